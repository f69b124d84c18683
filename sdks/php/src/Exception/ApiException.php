<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/**
 * The server answered otherwise than with success.
 *
 * `$serverMessage` is what the server said, and `getMessage()` has the status, code and request beside it.
 * `$errorCode` is the server's stable word, and null where the answer isn't the server's own, as from a proxy.
 * `$details` may list fields at fault under `errors`. Name `$requestId` when you ask the server's
 * administrator. `$retryAfter` is in seconds.
 */
class ApiException extends RocketException
{
    /** @param array<string, mixed> $details */
    final public function __construct(
        public readonly string $serverMessage,
        public readonly int $status,
        public readonly ?string $errorCode = null,
        public readonly ?string $requestId = null,
        public readonly array $details = [],
        public readonly ?int $retryAfter = null,
    ) {
        $known = array_filter(["status {$status}", $errorCode, $requestId === null ? null : "request {$requestId}"]);
        parent::__construct(sprintf('%s (%s)', $serverMessage, implode(', ', $known)), $status);
    }
}
