<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RequestTimeoutException;

/** Requests by curl, over connections that stay open. Redirects aren't followed. */
final class CurlTransport implements Transport
{
    private const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

    private ?\CurlHandle $curl = null;

    public function send(string $method, string $url, array $headers, ?string $body, float $timeout): Answer
    {
        $received = [];
        $answer = '';
        $this->curl ??= curl_init();
        curl_reset($this->curl);
        curl_setopt_array($this->curl, [
            CURLOPT_URL => $url,
            CURLOPT_CUSTOMREQUEST => $method,
            // No `Expect: 100-continue`: it costs a second where a server doesn't answer it.
            CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_TIMEOUT_MS => max(1, (int) round($timeout * 1000)),
            CURLOPT_CONNECTTIMEOUT_MS => max(1, (int) round($timeout * 1000)),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_HEADERFUNCTION => static function (\CurlHandle $curl, string $line) use (&$received): int {
                if (str_starts_with($line, 'HTTP/')) {
                    $received = [];
                } elseif (str_contains($line, ':')) {
                    [$name, $value] = explode(':', $line, 2);
                    $received[strtolower(trim($name))] = trim($value);
                }
                return strlen($line);
            },
            CURLOPT_WRITEFUNCTION => static function (\CurlHandle $curl, string $chunk) use (&$answer): int {
                $answer .= $chunk;
                return strlen($answer) > self::MAX_ANSWER_BYTES ? 0 : strlen($chunk);
            },
        ]);
        if ($body !== null) {
            curl_setopt($this->curl, CURLOPT_POSTFIELDS, $body);
        }
        if (curl_exec($this->curl) === false) {
            $message = curl_error($this->curl) ?: curl_strerror(curl_errno($this->curl)) ?? 'the request failed';
            throw curl_errno($this->curl) === CURLE_OPERATION_TIMEDOUT
                ? new RequestTimeoutException($message)
                : new NetworkException($message);
        }
        return new Answer((int) curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $received, $answer);
    }
}
