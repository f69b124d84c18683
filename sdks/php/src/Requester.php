<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\TransportException;

/** Makes calls: tries, waits and the breaker. */
final class Requester
{
    /** @param (\Closure(float): void)|null $sleep waits so many seconds */
    public function __construct(private readonly Settings $settings, private readonly ?\Closure $sleep = null)
    {
    }

    /**
     * @return array<string, mixed> the answer
     * @throws ApiException|TransportException|CircuitOpenException
     */
    public function send(Call $call): array
    {
        for ($retry = 0, $failure = null;; $retry++) {
            try {
                $this->settings->breaker->enter();
            } catch (CircuitOpenException $open) {
                throw $failure ?? $open;
            }
            $outcome = $this->try($call, $retry + 1);
            if (is_array($outcome)) {
                return $outcome;
            }
            $failure = $outcome;
            $delay = $this->settings->retry->delay($failure, $retry, mt_rand() / mt_getrandmax());
            if ($delay === null) {
                throw $failure;
            }
            $this->settings->watcher->retryPlanned($call, $retry + 1, $delay);
            $this->wait($delay);
        }
    }

    /** @return array<string, mixed>|ApiException|TransportException */
    private function try(Call $call, int $number): array|ApiException|TransportException
    {
        $settings = $this->settings;
        $started = hrtime(true);
        $status = null;
        $ended = false;
        try {
            $answer = $settings->transport->send(
                $call->method,
                $call->url($settings->baseUrl),
                [...$settings->headers(), ...$call->headers()],
                $call->body,
                $settings->timeout,
            );
            $status = $answer->status;
            $outcome = $answer->outcome();
            $ended = true;
        } catch (TransportException $error) {
            $outcome = $error;
            $ended = true;
        } finally {
            if (!$ended) {
                $settings->breaker->cancelled();
            }
        }
        $error = $outcome instanceof \Throwable ? $outcome : null;
        $elapsedMs = (hrtime(true) - $started) / 1e6;
        $settings->watcher->tryEnded($call, $number, $status, $error?->getMessage(), $elapsedMs);
        CircuitBreaker::isFailure($error) ? $settings->breaker->failed() : $settings->breaker->succeeded();
        return $outcome;
    }

    private function wait(float $seconds): void
    {
        if ($this->sleep !== null) {
            ($this->sleep)($seconds);
            return;
        }
        usleep((int) round($seconds * 1e6));
    }
}
