<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** Nothing was sent: the server failed too often just now. `$retryAfter` is in seconds. */
final class CircuitOpenException extends RocketException
{
    public function __construct(public readonly float $retryAfter)
    {
        parent::__construct(sprintf('The server failed too often; it is tried again in %.0f s.', $retryAfter));
    }
}
