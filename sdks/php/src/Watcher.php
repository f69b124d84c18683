<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/**
 * Tells what a client does: to a callable `(string $level, string $message, array $context)`, or to a logger
 * with PSR-3's method `log`. Never bodies, and never the key. What a logger throws doesn't reach a call.
 *
 * @internal
 */
final class Watcher
{
    private readonly ?\Closure $log;

    /** @param callable|object|null $logger */
    public function __construct(mixed $logger = null)
    {
        $this->log = match (true) {
            $logger === null => null,
            is_callable($logger) => \Closure::fromCallable($logger),
            is_object($logger) && method_exists($logger, 'log') => $logger->log(...),
            default => throw new ConfigurationException('client.logger must be callable or have the method log'),
        };
    }

    public function tryEnded(Call $call, int $number, ?int $status, ?string $error, float $elapsedMs): void
    {
        $this->tell('debug', 'request', [
            'method' => $call->method,
            'path' => $call->path,
            'try' => $number,
            'status' => $status,
            'error' => $error,
            'elapsed_ms' => round($elapsedMs, 1),
        ]);
    }

    public function retryPlanned(Call $call, int $number, float $delayS): void
    {
        $this->tell('info', 'retry', [
            'method' => $call->method,
            'path' => $call->path,
            'try' => $number,
            'delay_s' => round($delayS, 3),
        ]);
    }

    public function breakerChanged(BreakerState $before, BreakerState $after): void
    {
        $this->tell('warning', 'circuit breaker', ['before' => $before->value, 'after' => $after->value]);
    }

    /** An event that is kept nowhere: whole, to the logger, or else to PHP's own error log. */
    public function eventLost(string $event, string $reason, string $error): void
    {
        if ($this->log === null) {
            error_log("rocket-learning: event lost ({$reason}: {$error}): {$event}");
            return;
        }
        $this->tell('error', 'event lost', ['reason' => $reason, 'error' => $error, 'event' => $event]);
    }

    /** @param array<string, mixed> $context */
    public function tell(string $level, string $message, array $context): void
    {
        if ($this->log === null) {
            return;
        }
        try {
            ($this->log)($level, $message, $context);
        } catch (\Throwable $error) {
            error_log("rocket-learning: the logger failed: {$error->getMessage()}");
        }
    }
}
