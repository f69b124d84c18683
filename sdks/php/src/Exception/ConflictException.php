<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The request contradicts what is stored, such as a key used with another body (409). */
final class ConflictException extends ApiException
{
}
