<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/**
 * No whole answer came, after all retries; what was asked may or may not have been done.
 *
 * An event keeps its `event_id` and an award its idempotency key within one call. To repeat the call and still
 * count once, give the same ones yourself.
 */
abstract class TransportException extends RocketException
{
}
