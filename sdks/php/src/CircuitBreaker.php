<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\TransportException;

/**
 * Spares a server that fails: opens after some failures in a row, and after a while lets one trial decide
 * whether it closes. Each try asks with `enter` and then says how it ended; `call` does both.
 */
final class CircuitBreaker
{
    private BreakerState $state = BreakerState::Closed;
    private int $failures = 0;
    private float $openedAt = 0.0;
    private readonly \Closure $clock;

    /**
     * @param int $threshold failures in a row that open it
     * @param float $reset seconds until a trial
     * @param (\Closure(): float)|null $clock seconds that only grow
     */
    public function __construct(
        private readonly int $threshold = 5,
        private readonly float $reset = 60.0,
        ?\Closure $clock = null,
        private readonly ?Watcher $watcher = null,
    ) {
        if ($threshold < 1 || $reset < 0) {
            throw new ConfigurationException('breaker: threshold must be 1 or more, and reset 0 or more');
        }
        $this->clock = $clock ?? static fn (): float => hrtime(true) / 1e9;
    }

    /**
     * @param array<string, mixed> $given
     * @throws ConfigurationException
     */
    public static function read(array $given, Watcher $watcher): self
    {
        $options = new Options('breaker', $given, ['threshold', 'reset']);
        return new self($options->whole('threshold', 5), $options->number('reset', 60.0), null, $watcher);
    }

    public function state(): BreakerState
    {
        return $this->state;
    }

    /**
     * Guards work of one's own: an exception is a failure. A PHP error says nothing of what was called.
     *
     * @template T
     * @param callable(): T $work
     * @return T
     * @throws CircuitOpenException where it isn't done
     */
    public function call(callable $work): mixed
    {
        $this->enter();
        try {
            $result = $work();
        } catch (\Exception $failure) {
            $this->failed();
            throw $failure;
        } catch (\Error $mistake) {
            $this->cancelled();
            throw $mistake;
        }
        $this->succeeded();
        return $result;
    }

    /**
     * A try is about to be made.
     *
     * @throws CircuitOpenException where it mustn't be
     */
    public function enter(): void
    {
        if ($this->state === BreakerState::Closed) {
            return;
        }
        $left = $this->openedAt + $this->reset - ($this->clock)();
        if ($this->state === BreakerState::HalfOpen || $left > 0) {
            throw new CircuitOpenException(max($left, 0.0));
        }
        $this->become(BreakerState::HalfOpen);
    }

    /** The server answered, be it with a refusal. */
    public function succeeded(): void
    {
        if ($this->state !== BreakerState::Open) {
            $this->failures = 0;
            $this->become(BreakerState::Closed);
        }
    }

    /** The server failed or couldn't be reached. */
    public function failed(): void
    {
        if ($this->state === BreakerState::Open) {
            return;
        }
        $this->failures++;
        if ($this->state === BreakerState::HalfOpen || $this->failures >= $this->threshold) {
            $this->openedAt = ($this->clock)();
            $this->become(BreakerState::Open);
        }
    }

    /** The try ended without an outcome; another trial may be made at once. */
    public function cancelled(): void
    {
        if ($this->state === BreakerState::HalfOpen) {
            $this->become(BreakerState::Open);
        }
    }

    /** Whether a try that ended so counts against the server. */
    public static function isFailure(?\Throwable $outcome): bool
    {
        return $outcome instanceof TransportException || ($outcome instanceof ApiException && $outcome->status >= 500);
    }

    private function become(BreakerState $after): void
    {
        $before = $this->state;
        $this->state = $after;
        if ($before !== $after) {
            $this->watcher?->breakerChanged($before, $after);
        }
    }
}
