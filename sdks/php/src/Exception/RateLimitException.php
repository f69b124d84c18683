<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** Too many requests (429), after all retries; wait for `$retryAfter` seconds. */
final class RateLimitException extends ApiException
{
}
