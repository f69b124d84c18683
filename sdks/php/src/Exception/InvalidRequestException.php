<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The request is wrong in itself (400, 405, 413, 415 and others): correct it. */
final class InvalidRequestException extends ApiException
{
}
