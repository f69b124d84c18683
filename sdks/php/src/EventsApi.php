<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * `$client->events`: learning events.
 *
 * @phpstan-import-type TrackedEvent from Answers
 * @phpstan-import-type BatchAnswer from Answers
 * @phpstan-import-type Validation from Answers
 * @phpstan-import-type ExplainedEvent from Answers
 * @phpstan-import-type EventPage from Answers
 * @phpstan-type Event array{
 *     event: string,
 *     user_id: string,
 *     timestamp?: \DateTimeInterface|string|int|float,
 *     event_id?: string,
 *     properties?: array<string, mixed>,
 *     metadata?: array<string, mixed>,
 *     source?: string,
 * }
 */
final class EventsApi extends Api
{
    public function __construct(Requester $requester, private readonly EventReader $reader)
    {
        parent::__construct($requester);
    }

    /**
     * Tells the server that something happened, such as `lesson.completed`.
     *
     * Without `timestamp` it happened now. `event_id` is your own id of the event, by which it counts once for
     * ever; without one, each call is an event of its own.
     *
     * @param Event $event
     * @return TrackedEvent
     * @throws ValidationException before anything is sent
     */
    public function track(array $event): array
    {
        return $this->requester->send(Call::post('/v1/events', $this->reader->checked($event)));
    }

    /**
     * Tells of up to 10,000 events in one request; each has the fields of `track`.
     *
     * One that is wrong here lets nothing be sent. One that the server refuses is reported in `results`, and
     * the others count.
     *
     * @param iterable<Event> $events
     * @return BatchAnswer
     * @throws ValidationException before anything is sent
     */
    public function trackBatch(iterable $events): array
    {
        $given = is_array($events) ? array_values($events) : iterator_to_array($events, false);
        Checks::refuse(Checks::batchSize(count($given)));
        $stamped = [];
        $errors = [];
        foreach ($given as $index => $event) {
            try {
                $stamped[] = $this->reader->checked($event);
            } catch (ValidationException $refused) {
                foreach ($refused->errors as $error) {
                    $path = rtrim("events[{$index}].{$error['path']}", '.');
                    $errors[] = ['path' => $path, 'message' => $error['message']];
                }
            }
        }
        Checks::refuse($errors);
        return $this->sendBatch($stamped);
    }

    /**
     * A batch of events that were stamped and checked before.
     *
     * @internal
     * @param list<array<string, mixed>> $stamped
     * @return BatchAnswer
     */
    public function sendBatch(array $stamped): array
    {
        $events = array_map(static fn (array $event): object => (object) $event, $stamped);
        return $this->requester->send(Call::post('/v1/events/batch', ['events' => $events]));
    }

    /**
     * Asks the server what it thinks of an event; nothing is stored, and nothing checked here.
     *
     * @param Event $event
     * @return Validation
     */
    public function validate(array $event): array
    {
        return $this->requester->send(Call::post('/v1/events/validate', $this->reader->stamped($event)));
    }

    /**
     * One stored event with what every rule says about it, by the server's id.
     *
     * @return ExplainedEvent
     */
    public function get(string $eventId): array
    {
        return $this->requester->send(Call::get('/v1/events/' . self::id($eventId, 'event_id')));
    }

    /**
     * Stored events, the latest received first; `cursor` is the `next_cursor` of the page before.
     *
     * @param array{
     *     user_id?: string,
     *     event?: string,
     *     source?: string,
     *     status?: 'processed'|'ignored'|'held'|'failed',
     *     since?: \DateTimeInterface|string,
     *     until?: \DateTimeInterface|string,
     *     limit?: int,
     *     cursor?: string,
     * } $filters
     * @return EventPage
     */
    public function list(array $filters = []): array
    {
        return $this->requester->send(Call::get('/v1/events', $filters));
    }
}
