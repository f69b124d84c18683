<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\TransportException;

/** The network: one request, and its answer or what went wrong. */
interface Transport
{
    /**
     * @param list<string> $headers
     * @param float $timeout seconds for all of it
     * @throws TransportException
     */
    public function send(string $method, string $url, array $headers, ?string $body, float $timeout): Answer;
}
