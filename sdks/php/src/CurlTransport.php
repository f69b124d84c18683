<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RequestTimeoutException;
use RocketLearning\Exception\TransportException;

/** Requests by curl, over a connection that stays open. Redirects aren't followed. */
final class CurlTransport implements Transport
{
    private const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
    private const MAX_HEADERS = 500;

    private ?\CurlHandle $curl = null;

    public function send(string $method, string $url, array $headers, ?string $body, float $timeout): Answer
    {
        $head = [];
        $answer = '';
        $curl = $this->curl ??= curl_init();
        curl_reset($curl);
        curl_setopt_array($curl, [
            CURLOPT_URL => $url,
            CURLOPT_CUSTOMREQUEST => $method,
            // No `Expect: 100-continue`: it costs a second where a server doesn't answer it.
            CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_TIMEOUT_MS => max(1, (int) round($timeout * 1000)),
            CURLOPT_CONNECTTIMEOUT_MS => max(1, (int) round($timeout * 1000)),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_HEADERFUNCTION => static function (\CurlHandle $curl, string $line) use (&$head): int {
                // An interim answer, such as `100 Continue`, has a head of its own.
                $head = str_starts_with($line, 'HTTP/') ? [$line] : [...$head, $line];
                return count($head) > self::MAX_HEADERS ? 0 : strlen($line);
            },
            CURLOPT_WRITEFUNCTION => static function (\CurlHandle $curl, string $chunk) use (&$answer): int {
                $answer .= $chunk;
                return strlen($answer) > self::MAX_ANSWER_BYTES ? 0 : strlen($chunk);
            },
        ]);
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        }
        if (curl_exec($curl) === false) {
            throw self::failure($curl);
        }
        if (!in_array("\r\n", $head, true) && !in_array("\n", $head, true)) {
            throw new NetworkException('the answer ended within its headers'); // curl takes it for whole
        }
        return new Answer((int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE), self::headers($head), $answer);
    }

    private static function failure(\CurlHandle $curl): TransportException
    {
        $code = curl_errno($curl);
        $message = curl_error($curl) ?: (curl_strerror($code) ?? "curl's error {$code}");
        return $code === CURLE_OPERATION_TIMEDOUT
            ? new RequestTimeoutException($message)
            : new NetworkException($message);
    }

    /**
     * @param list<string> $head lines
     * @return array<string, string> names in lower case
     */
    private static function headers(array $head): array
    {
        $headers = [];
        foreach ($head as $line) {
            if (str_contains($line, ':')) {
                [$name, $value] = explode(':', $line, 2);
                $headers[strtolower(trim($name))] = trim($value);
            }
        }
        return $headers;
    }
}
