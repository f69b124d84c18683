<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\AuthenticationException;
use RocketLearning\Exception\ConflictException;
use RocketLearning\Exception\ForbiddenException;
use RocketLearning\Exception\InsufficientPointsException;
use RocketLearning\Exception\InvalidRequestException;
use RocketLearning\Exception\NotFoundException;
use RocketLearning\Exception\RateLimitException;
use RocketLearning\Exception\ServerException;

/** What came back from the network. */
final class Answer
{
    /** @param array<string, string> $headers names in lower case */
    public function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly string $body,
    ) {
    }

    /**
     * The decoded answer, or the error that it is.
     *
     * @return array<string, mixed>|ApiException
     */
    public function outcome(): array|ApiException
    {
        $told = str_starts_with(ltrim($this->body), '{') ? json_decode($this->body, true) : null;
        if (is_array($told) && $this->status >= 200 && $this->status < 300) {
            return $told;
        }
        return $this->error($told ?? []);
    }

    /** @param array<string, mixed> $told */
    private function error(array $told): ApiException
    {
        $text = static fn (mixed $value): ?string => is_string($value) && $value !== '' ? $value : null;
        $code = $text($told['error'] ?? null);
        $header = trim($this->headers['retry-after'] ?? '');
        $retryAfter = preg_match('/\A[0-9]{1,9}\z/', $header) === 1 ? (int) $header : ($told['retry_after'] ?? null);
        $kind = match (true) {
            $this->status === 401 => AuthenticationException::class,
            $this->status === 403 => ForbiddenException::class,
            $this->status === 404 => NotFoundException::class,
            $this->status === 409 => ConflictException::class,
            $this->status === 422 && $code === 'insufficient_points' => InsufficientPointsException::class,
            $this->status === 429 => RateLimitException::class,
            $this->status >= 500 => ServerException::class,
            $this->status >= 400 => InvalidRequestException::class,
            default => ApiException::class,
        };
        $details = $told['details'] ?? null;
        return new $kind(
            $text($told['message'] ?? null) ?? "HTTP {$this->status}",
            $this->status,
            $code,
            $text($told['request_id'] ?? null) ?? ($this->headers['x-request-id'] ?? null),
            is_array($details) && ($details === [] || !array_is_list($details)) ? $details : [],
            is_int($retryAfter) && $retryAfter >= 0 ? $retryAfter : null,
        );
    }
}
