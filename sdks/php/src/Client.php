<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/**
 * A client of one organisation, to which the API key belongs.
 *
 * @phpstan-import-type Health from Answers
 */
final class Client
{
    public readonly EventsApi $events;
    public readonly PointsApi $points;
    public readonly BadgesApi $badges;
    public readonly UsersApi $users;
    public readonly LeaderboardApi $leaderboard;
    public readonly RulesApi $rules;

    private readonly Settings $settings;
    private readonly Requester $requester;
    private readonly EventReader $reader;

    /** @var list<EventBuffer> */
    private array $buffers = [];

    /**
     * `api_key` is `ROCKET_API_KEY` by default; `base_url` is `ROCKET_BASE_URL`, else the environment's
     * (`production` or `staging`). `timeout` (30) is in seconds, for each try. `retry` has `max_retries` (3),
     * `base_delay` (1 s), `multiplier` (2) and the other arguments of RetryPolicy, or is one.
     * `breaker` has `threshold` (5) and `reset` (60 s). `validate_events` (true) checks events here, before they
     * are sent. `logger` is a PSR-3 logger, or a callable `(string $level, string $message, array $context)`.
     *
     * @param array{
     *     api_key?: string|null,
     *     environment?: 'production'|'staging'|null,
     *     base_url?: string|null,
     *     timeout?: int|float,
     *     retry?: RetryPolicy|array{
     *         enabled?: bool,
     *         max_retries?: int,
     *         base_delay?: int|float,
     *         multiplier?: int|float,
     *         max_delay?: int|float,
     *         jitter?: int|float,
     *         max_retry_after?: int|float,
     *     },
     *     breaker?: array{threshold?: int, reset?: int|float},
     *     validate_events?: bool,
     *     logger?: callable|object|null,
     *     transport?: Transport,
     *     clock?: callable(): \DateTimeInterface,
     *     new_id?: callable(): string,
     * } $config
     * @throws ConfigurationException
     */
    public function __construct(#[\SensitiveParameter] array $config = [])
    {
        $this->settings = Settings::read($config);
        $this->requester = new Requester($this->settings);
        $this->reader = new EventReader($this->settings->stamps, $this->settings->validateEvents);
        $this->events = new EventsApi($this->requester, $this->reader);
        $this->points = new PointsApi($this->requester, $this->settings->stamps);
        $this->badges = new BadgesApi($this->requester, $this->settings->stamps);
        $this->users = new UsersApi($this->requester);
        $this->leaderboard = new LeaderboardApi($this->requester);
        $this->rules = new RulesApi($this->requester);
    }

    /**
     * Checks every event against rules of your own as well; null takes them away.
     *
     * @param array<string, mixed>|null $schema such as
     *     `['properties' => ['course_id' => ['type' => 'string', 'required' => true]]]`; see EventSchema
     * @throws ConfigurationException for a schema that can't be meant
     */
    public function setEventSchema(?array $schema): void
    {
        $this->reader->schema = $schema === null ? null : EventSchema::read($schema);
    }

    /**
     * Whether the server and each of its parts work; a ServerException where one doesn't.
     *
     * @return Health
     */
    public function health(): array
    {
        return $this->requester->send(Call::get('/v1/health'));
    }

    /**
     * A buffer that sends events in batches, also when the program ends; see EventBuffer and DeadLetters.
     *
     * `max_size` (100) events are a batch; fewer are due after `flush_interval` (5) seconds. At most `capacity`
     * (10,000) wait; one more is a dead letter, or with `overflow` `raise` a BufferFullException.
     *
     * @param array{
     *     max_size?: int,
     *     flush_interval?: int|float,
     *     capacity?: int,
     *     overflow?: 'dead_letter'|'raise',
     *     on_dead_letter?: callable(array<string, mixed>, string, string): void,
     *     dead_letter_file?: string,
     * } $options
     * @throws ConfigurationException
     */
    public function buffer(array $options = []): EventBuffer
    {
        $given = new Options('buffer', $options, [
            'max_size', 'flush_interval', 'capacity', 'overflow', 'on_dead_letter', 'dead_letter_file',
        ]);
        $buffer = new EventBuffer(
            $this->reader,
            $this->events->sendBatch(...),
            new DeadLetters(
                $this->settings->watcher,
                $this->settings->stamps,
                $given->callable('on_dead_letter'),
                $given->text('dead_letter_file'),
            ),
            $given->whole('max_size', 100),
            $given->number('flush_interval', 5.0),
            $given->whole('capacity', 10_000),
            $given->text('overflow') ?? 'dead_letter',
        );
        // A fatal error skips destructors, but not this. Weak, so that a buffer that nobody holds may go.
        $held = \WeakReference::create($buffer);
        register_shutdown_function(static fn () => $held->get()?->end());
        return $this->buffers[] = $buffer;
    }

    /** Sends what waits in the client's buffers. */
    public function close(): void
    {
        foreach ($this->buffers as $buffer) {
            $buffer->close();
        }
        $this->buffers = [];
    }

    /** @return array<string, mixed> what may be printed: not the key */
    public function __debugInfo(): array
    {
        return ['settings' => $this->settings];
    }
}
