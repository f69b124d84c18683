<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The API key is missing, wrong or revoked (401). */
final class AuthenticationException extends ApiException
{
}
