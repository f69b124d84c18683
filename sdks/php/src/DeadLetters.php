<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * Where events go that can't be sent: to a callable `(array $event, string $reason, string $error)`, to a file,
 * a JSON object a line, or to the log.
 *
 * The reason is `refused` (the server refused their batch), `rejected` (the server refused this event),
 * `overflow` (too many waited) or `closed` (the server couldn't be reached at the end).
 *
 * @internal
 */
final class DeadLetters
{
    /** @param (\Closure(array<string, mixed>, string, string): mixed)|null $call */
    public function __construct(
        private readonly Watcher $watcher,
        private readonly Stamps $stamps,
        private readonly ?\Closure $call = null,
        private readonly ?string $file = null,
    ) {
    }

    /**
     * Keeps one event. Where that fails it is logged, whole.
     *
     * @param array<string, mixed> $event
     */
    public function add(array $event, string $reason, string $error): void
    {
        $kept = false;
        try {
            if ($this->call !== null) {
                ($this->call)($event, $reason, $error);
                $kept = true;
            }
            if ($this->file !== null) {
                $this->write(['at' => $this->stamps->now(), 'reason' => $reason, 'error' => $error, 'event' => $event]);
                $kept = true;
            }
        } catch (\Throwable $fault) {
            $kept = false;
            $this->watcher->tell('error', "a dead letter couldn't be kept", ['error' => $fault->getMessage()]);
        }
        if (!$kept) {
            $this->watcher->eventLost(Value::json($event), $reason, $error);
        }
    }

    /** @param array<string, mixed> $letter */
    private function write(array $letter): void
    {
        $line = Value::json($letter) . "\n";
        if (@file_put_contents((string) $this->file, $line, FILE_APPEND | LOCK_EX) !== strlen($line)) {
            throw new \RuntimeException("{$this->file} can't be written");
        }
    }
}
