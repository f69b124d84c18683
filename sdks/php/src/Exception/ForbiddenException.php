<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The key is valid but may not do this (403); `$details` names the scope that it lacks. */
final class ForbiddenException extends ApiException
{
}
