<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\MalformedSignatureException;
use RocketLearning\Exception\MissingSignatureException;
use RocketLearning\Exception\SignatureMismatchException;
use RocketLearning\Exception\TimestampTooNewException;
use RocketLearning\Exception\TimestampTooOldException;
use RocketLearning\Exception\WebhookVerificationException;

/** Checks that a webhook was sent by the server: Standard Webhooks, and the plain `X-Signature`. */
final class Webhook
{
    public const TOLERANCE_S = 300;

    private const PREFIX = 'whsec_';

    /**
     * The event in a webhook whose `webhook-signature` fits; see https://www.standardwebhooks.com.
     *
     * `$body` is the raw body as it was received (`file_get_contents('php://input')`): parsed and written again,
     * it has another signature. Several secrets are taken while one replaces the other.
     *
     * @param array<string, string|list<string>> $headers names in any case, as of `getallheaders()`
     * @param string|list<string> $secret
     * @param int|null $now Unix seconds
     * @return array<string, mixed>
     * @throws WebhookVerificationException
     * @throws ConfigurationException for a secret that isn't `whsec_` and base64
     */
    public static function verify(
        string $body,
        array $headers,
        #[\SensitiveParameter]
        string|array $secret,
        int $tolerance = self::TOLERANCE_S,
        ?int $now = null,
    ): array {
        $keys = array_map(self::standardKey(...), self::all($secret));
        $id = self::header($headers, 'webhook-id');
        $timestamp = self::header($headers, 'webhook-timestamp');
        $given = preg_split('/\s+/', self::header($headers, 'webhook-signature')) ?: [];
        if (preg_match('/\A[0-9]{1,12}\z/', $timestamp) !== 1) {
            throw new MalformedSignatureException('webhook-timestamp must be Unix seconds');
        }
        foreach ($given as $signature) {
            if (preg_match('/\Av[0-9]+[a-z]*,\S*\z/', $signature) !== 1) {
                throw new MalformedSignatureException('webhook-signature must be of the form v1,<base64>');
            }
        }
        $fits = false;
        foreach ($keys as $key) {
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "{$id}.{$timestamp}.{$body}", $key, true));
            foreach ($given as $signature) {
                $fits = hash_equals($expected, $signature) || $fits;
            }
        }
        if (!$fits) {
            throw new SignatureMismatchException('no signature fits the body with this secret');
        }
        $age = ($now ?? time()) - (int) $timestamp;
        if ($age > $tolerance) {
            throw new TimestampTooOldException("signed {$age} s ago");
        }
        if (-$age > $tolerance) {
            throw new TimestampTooNewException(sprintf('signed %d s in the future', -$age));
        }
        return self::event($body);
    }

    /**
     * The event in a webhook whose `X-Signature` fits; the key is the whole secret, prefix and all.
     *
     * This signature has no time, so a recorded request can be sent again: prefer `verify`, or remember the ids
     * of the events that you have seen.
     *
     * @param array<string, string|list<string>> $headers
     * @param string|list<string> $secret
     * @return array<string, mixed>
     * @throws WebhookVerificationException
     */
    public static function verifyXSignature(
        string $body,
        array $headers,
        #[\SensitiveParameter]
        string|array $secret,
    ): array {
        $secrets = self::all($secret);
        $signature = self::header($headers, 'X-Signature');
        if (preg_match('/\Asha256=[0-9a-fA-F]{64}\z/', $signature) !== 1) {
            throw new MalformedSignatureException('X-Signature must be sha256= and 64 hexadecimal digits');
        }
        $fits = false;
        foreach ($secrets as $key) {
            $fits = hash_equals('sha256=' . hash_hmac('sha256', $body, $key), strtolower($signature)) || $fits;
        }
        if (!$fits) {
            throw new SignatureMismatchException("X-Signature doesn't fit the body with this secret");
        }
        return self::event($body);
    }

    /**
     * @param string|list<string> $secret
     * @return non-empty-list<string>
     */
    private static function all(#[\SensitiveParameter] string|array $secret): array
    {
        $secrets = is_array($secret) ? array_values($secret) : [$secret];
        if ($secrets === [] || in_array('', $secrets, true)) {
            throw new ConfigurationException("a webhook's secret is missing");
        }
        return $secrets;
    }

    private static function standardKey(#[\SensitiveParameter] string $secret): string
    {
        $encoded = str_starts_with($secret, self::PREFIX) ? substr($secret, strlen(self::PREFIX)) : '';
        $whole = preg_match('#\A(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\z#', $encoded) === 1;
        $key = $whole ? base64_decode($encoded, true) : false;
        if ($key === false || $key === '') {
            throw new ConfigurationException("a webhook's secret must be " . self::PREFIX . ' and base64');
        }
        return $key;
    }

    /** @param array<string, string|list<string>> $headers */
    private static function header(array $headers, string $wanted): string
    {
        foreach ($headers as $name => $value) {
            if (strcasecmp((string) $name, $wanted) === 0) {
                $text = trim(is_array($value) ? (string) ($value[0] ?? '') : $value);
                if ($text !== '') {
                    return $text;
                }
            }
        }
        throw new MissingSignatureException("there is no {$wanted}");
    }

    /** @return array<string, mixed> */
    private static function event(string $body): array
    {
        $event = json_decode($body, true);
        if (!is_array($event) || !str_starts_with(ltrim($body), '{')) {
            throw new MalformedSignatureException('the signed body is no JSON object');
        }
        return $event;
    }
}
