<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * What to ask of the server.
 *
 * @internal
 */
final class Call
{
    /** @param array<string, string> $query */
    private function __construct(
        public readonly string $method,
        public readonly string $path,
        public readonly array $query = [],
        public readonly ?string $body = null,
        public readonly ?string $idempotencyKey = null,
    ) {
    }

    /**
     * A read.
     *
     * @param array<string, mixed> $query what is null isn't sent
     */
    public static function get(string $path, array $query = []): self
    {
        $given = array_filter($query, static fn (mixed $value): bool => $value !== null);
        return new self('GET', $path, array_map(self::text(...), $given));
    }

    /** @param array<string, mixed> $body */
    public static function post(string $path, array $body, ?string $idempotencyKey = null): self
    {
        return new self('POST', $path, [], Value::json((object) $body), $idempotencyKey);
    }

    /** A value as one part of a path, whatever is in it (RFC 3986, unreserved characters stay). */
    public static function segment(string $value): string
    {
        return rawurlencode($value);
    }

    public function url(string $baseUrl): string
    {
        $query = http_build_query($this->query, '', '&', PHP_QUERY_RFC3986);
        return $baseUrl . $this->path . ($query === '' ? '' : "?{$query}");
    }

    /** @return list<string> what only this request has */
    public function headers(): array
    {
        return [
            ...($this->body === null ? [] : ['Content-Type: application/json']),
            ...($this->idempotencyKey === null ? [] : ["Idempotency-Key: {$this->idempotencyKey}"]),
        ];
    }

    private static function text(mixed $value): string
    {
        return match (true) {
            $value instanceof \DateTimeInterface => Stamps::rfc3339($value),
            is_bool($value) => $value ? 'true' : 'false',
            default => (string) $value,
        };
    }
}
