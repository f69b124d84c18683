<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\BufferClosedException;
use RocketLearning\Exception\BufferFullException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\RocketException;
use RocketLearning\Exception\TransportException;
use RocketLearning\Exception\ValidationException;

/**
 * Sends events in batches. Made by `$client->buffer()`.
 *
 * PHP has neither threads nor timers: what is due is sent while an event is added, and by `tick`, which a
 * program that waits calls now and then. Closing sends what waits, and so does the end of the program.
 *
 * @phpstan-import-type Event from EventsApi
 * @phpstan-import-type BatchAnswer from Answers
 */
final class EventBuffer
{
    /** @var list<array{array<string, mixed>, float}> events, and when they were added */
    private array $waiting = [];
    private ?float $heldUntil = null;
    private bool $closed = false;
    private bool $sending = false;
    private readonly \Closure $clock;
    private readonly int|false $process;

    /**
     * @internal
     * @param \Closure(list<array<string, mixed>>): BatchAnswer $send
     * @param (\Closure(): float)|null $clock seconds that only grow
     */
    public function __construct(
        private readonly EventReader $reader,
        private readonly \Closure $send,
        private readonly DeadLetters $dead,
        private readonly int $maxSize = 100,
        private readonly float $flushInterval = 5.0,
        private readonly int $capacity = 10_000,
        private readonly string $overflow = 'dead_letter',
        ?\Closure $clock = null,
    ) {
        if ($maxSize < 1 || $maxSize > Checks::MAX_BATCH || $capacity < $maxSize || $flushInterval <= 0) {
            throw new ConfigurationException(
                'buffer: max_size 1 to 10,000, capacity >= max_size, flush_interval > 0',
            );
        }
        if (!in_array($overflow, ['dead_letter', 'raise'], true)) {
            throw new ConfigurationException('buffer: overflow is dead_letter or raise');
        }
        $this->clock = $clock ?? static fn (): float => hrtime(true) / 1e9;
        $this->process = getmypid();
    }

    /** Nobody holds the buffer any more. */
    public function __destruct()
    {
        $this->end();
    }

    /**
     * Takes an event with the fields of `events->track`; its time and id are those of this moment.
     *
     * @param Event $event
     * @throws ValidationException
     * @throws BufferClosedException
     * @throws BufferFullException where overflow is `raise`
     */
    public function add(array $event): void
    {
        $stamped = $this->reader->checked($event);
        if ($this->closed) {
            throw new BufferClosedException('the event buffer is closed');
        }
        if (count($this->waiting) >= $this->capacity) {
            $this->tick(); // after an outage this makes room
        }
        if (count($this->waiting) < $this->capacity) {
            $this->waiting[] = [$stamped, ($this->clock)()];
            $this->tick();
            return;
        }
        $message = "{$this->capacity} events wait already";
        if ($this->overflow === 'raise') {
            throw new BufferFullException($message);
        }
        $this->dead->add($stamped, 'overflow', $message);
    }

    /** How many events have neither arrived nor become dead letters. */
    public function waiting(): int
    {
        return count($this->waiting);
    }

    /** Sends what is due. */
    public function tick(): void
    {
        $this->work(everything: false);
    }

    /** Sends everything now. What meets an outage goes on waiting; see `waiting`. */
    public function flush(): void
    {
        $this->work(everything: true);
    }

    /** Sends everything, once; what can't be sent becomes dead letters. Then nothing is taken any more. */
    public function close(): void
    {
        $this->closed = true;
        if ($this->sending) { // closed by a dead letter's callable: who sends now sends all, or `end` does
            return;
        }
        try {
            $this->work(everything: true);
        } finally {
            [$left, $this->waiting] = [$this->waiting, []];
            foreach ($left as [$event]) {
                $this->dead->add($event, 'closed', "the server couldn't be reached before the buffer was closed");
            }
        }
    }

    /**
     * The program ends, or forgets the buffer. A process that was forked leaves the events to the one that
     * took them.
     *
     * @internal
     */
    public function end(): void
    {
        if ($this->waiting !== [] && $this->process === getmypid()) {
            $this->sending = false; // `exit` in a dead letter's callable or a signal's handler ends no `try`
            $this->close();
        }
    }

    private function isDue(): bool
    {
        if ($this->waiting === []) {
            return false;
        }
        $now = ($this->clock)();
        if ($this->heldUntil !== null) {
            return $now >= $this->heldUntil;
        }
        return count($this->waiting) >= $this->maxSize || $now >= $this->waiting[0][1] + $this->flushInterval;
    }

    /** Ends at the first batch that meets an outage. */
    private function work(bool $everything): void
    {
        if ($this->sending) { // a dead letter's callable adds an event
            return;
        }
        $this->sending = true;
        try {
            while ($everything ? $this->waiting !== [] : $this->isDue()) {
                $batch = array_column(array_slice($this->waiting, 0, $this->maxSize), 0);
                if (!$this->deliver($batch)) {
                    break;
                }
            }
        } finally {
            $this->sending = false;
        }
    }

    /**
     * Sends the first of those that wait, in halves where they are too large.
     *
     * @param list<array<string, mixed>> $batch
     * @return bool false in an outage, in which they go on waiting
     */
    private function deliver(array $batch): bool
    {
        try {
            $result = ($this->send)($batch);
        } catch (RocketException $error) {
            if (self::isOutage($error)) {
                $this->heldUntil = ($this->clock)() + $this->flushInterval;
                return false;
            }
            if ($error instanceof ApiException && $error->status === 413 && count($batch) > 1) {
                $half = intdiv(count($batch), 2);
                return $this->deliver(array_slice($batch, 0, $half)) && $this->deliver(array_slice($batch, $half));
            }
            $result = $error;
        }
        $this->heldUntil = null;
        $this->waiting = array_slice($this->waiting, count($batch));
        $this->bury($batch, $result);
        return true;
    }

    /**
     * @param list<array<string, mixed>> $batch
     * @param BatchAnswer|RocketException $result
     */
    private function bury(array $batch, array|RocketException $result): void
    {
        if ($result instanceof RocketException) {
            foreach ($batch as $event) {
                $this->dead->add($event, 'refused', $result->getMessage());
            }
            return;
        }
        foreach ($result['results'] ?? [] as $item) {
            $event = $batch[$item['index'] ?? -1] ?? null;
            if ($event !== null && $item['status'] === 'failed') {
                $this->dead->add($event, 'rejected', $item['error'] ?? 'no reason given');
            }
        }
    }

    /** Whether the same batch may be taken later. */
    private static function isOutage(RocketException $error): bool
    {
        return match (true) {
            $error instanceof CircuitOpenException => true,
            $error instanceof ApiException, $error instanceof TransportException => RetryPolicy::isTemporary($error),
            default => false,
        };
    }
}
