<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\TransportException;

/**
 * Exponential back-off with jitter, for network errors, time-outs, 5xx and 429; never for other 4xx.
 *
 * The wait before retry n (from 0) is `min(baseDelay × multiplier ** n, maxDelay)` seconds, of which jitter
 * takes away up to its share. The server's `Retry-After` lengthens it, up to `maxRetryAfter`.
 */
final class RetryPolicy
{
    public function __construct(
        public readonly bool $enabled = true,
        public readonly int $maxRetries = 3,
        public readonly float $baseDelay = 1.0,
        public readonly float $multiplier = 2.0,
        public readonly float $maxDelay = 30.0,
        public readonly float $jitter = 0.5,
        public readonly float $maxRetryAfter = 60.0,
    ) {
        if ($maxRetries < 0 || $multiplier < 1 || $jitter < 0 || $jitter > 1) {
            throw new ConfigurationException('retry: max_retries >= 0, multiplier >= 1 and jitter from 0 to 1');
        }
        if (min($baseDelay, $maxDelay, $maxRetryAfter) < 0) {
            throw new ConfigurationException("retry: a delay can't be below 0");
        }
    }

    /** One try, and no more. */
    public static function none(): self
    {
        return new self(enabled: false);
    }

    /**
     * @param array<string, mixed> $given
     * @throws ConfigurationException
     */
    public static function read(array $given): self
    {
        $options = new Options('retry', $given, [
            'enabled', 'max_retries', 'base_delay', 'multiplier', 'max_delay', 'jitter', 'max_retry_after',
        ]);
        return new self(
            $options->flag('enabled', true),
            $options->whole('max_retries', 3),
            $options->number('base_delay', 1.0),
            $options->number('multiplier', 2.0),
            $options->number('max_delay', 30.0),
            $options->number('jitter', 0.5),
            $options->number('max_retry_after', 60.0),
        );
    }

    /**
     * Seconds until the next try after so many retries; null where the last one failed for good.
     *
     * @param float $random from 0 to 1
     */
    public function delay(ApiException|TransportException $failure, int $retry, float $random): ?float
    {
        if (!$this->enabled || $retry >= $this->maxRetries || !self::isTemporary($failure)) {
            return null;
        }
        $delay = min($this->baseDelay * $this->multiplier ** $retry, $this->maxDelay) * (1 - $this->jitter * $random);
        $asked = $failure instanceof ApiException ? ($failure->retryAfter ?? 0) : 0;
        return max($delay, min($asked, $this->maxRetryAfter));
    }

    /** Whether the same request may succeed later. */
    public static function isTemporary(ApiException|TransportException $failure): bool
    {
        return !$failure instanceof ApiException || $failure->status >= 500 || $failure->status === 429;
    }
}
