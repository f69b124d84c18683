<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\TransportException;

/**
 * Makes calls: tries, waits and the breaker.
 *
 * @internal
 */
final class Requester
{
    public function __construct(private readonly Settings $settings)
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
            usleep((int) round($delay * 1e6));
        }
    }

    /** @return array<string, mixed>|ApiException|TransportException */
    private function try(Call $call, int $number): array|ApiException|TransportException
    {
        $settings = $this->settings;
        $started = hrtime(true);
        $status = null;
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
        } catch (TransportException $fault) {
            $outcome = $fault;
        } catch (\Throwable $interruption) {
            $settings->breaker->cancelled();
            throw $interruption;
        }
        $error = is_array($outcome) ? null : $outcome;
        $elapsedMs = (hrtime(true) - $started) / 1e6;
        $settings->watcher->tryEnded($call, $number, $status, $error?->getMessage(), $elapsedMs);
        if (CircuitBreaker::isFailure($error)) {
            $settings->breaker->failed();
        } else {
            $settings->breaker->succeeded();
        }
        return $outcome;
    }
}
