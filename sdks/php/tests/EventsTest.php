<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use RocketLearning\Client;
use RocketLearning\EventReader;
use RocketLearning\EventSchema;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\ValidationException;
use RocketLearning\Stamps;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\CaseTestCase;
use RocketLearning\Tests\Support\ScriptedTransport;

/** Events and awards as they are given and as they travel. */
final class EventsTest extends CaseTestCase
{
    /**
     * Spellings, times and ids get the form that is sent, and the caller's event isn't touched.
     *
     * @dataProvider normalised
     */
    public function testAnEventTravelsAsTheCasesSay(\stdClass $case): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $given = Cases::native($case->given);
        $before = serialize($given);
        self::stamping(self::ids('events'), $transport, ['validate_events' => false])->events->track($given);
        self::assertJsonStringEqualsJsonString(json_encode($case->wire), $transport->seen[0]->body);
        self::assertSame($before, serialize($given));
    }

    /** @return array<string, array{\stdClass}> */
    public static function normalised(): array
    {
        return Cases::list('events', 'normalise');
    }

    /**
     * Everything that is wrong with an event is named by its path, once.
     *
     * @dataProvider validated
     */
    public function testErrorsOfAnEventHaveTheirPaths(\stdClass $case): void
    {
        $reader = self::reader();
        self::assertPaths($case->errors, static fn () => $reader->checked(Cases::native($case->event)));
    }

    /** @return array<string, array{\stdClass}> */
    public static function validated(): array
    {
        return Cases::list('events', 'validate');
    }

    /**
     * Errors in a batch carry the index, and a batch has 1 to 10,000 events.
     *
     * @dataProvider batches
     */
    public function testABatchIsCheckedAsAWhole(\stdClass $case): void
    {
        $events = Cases::native($case->events ?? array_fill(0, $case->times, $case->event));
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $client = Calls::client($transport);
        self::assertPaths($case->errors, static fn () => $client->events->trackBatch($events));
        self::assertCount($case->errors === [] ? 1 : 0, $transport->seen);
    }

    /** @return array<string, array{\stdClass}> */
    public static function batches(): array
    {
        return Cases::list('events', 'batch');
    }

    /**
     * An award has its body and its idempotency key, or its errors; a deduction has the same.
     *
     * @dataProvider points
     */
    public function testPointsTravelAsTheCasesSay(\stdClass $case): void
    {
        self::assertAward($case, static fn (Client $client) => $client->points->award(...));
        self::assertAward($case, static fn (Client $client) => $client->points->deduct(...));
    }

    /** @return array<string, array{\stdClass}> */
    public static function points(): array
    {
        return Cases::list('awards', 'points');
    }

    /**
     * An award of a badge has its body and its idempotency key, or its errors.
     *
     * @dataProvider badges
     */
    public function testBadgesTravelAsTheCasesSay(\stdClass $case): void
    {
        self::assertAward($case, static fn (Client $client) => $client->badges->award(...));
    }

    /** @return array<string, array{\stdClass}> */
    public static function badges(): array
    {
        return Cases::list('awards', 'badges');
    }

    /**
     * The errors are those of the event schema and of the caller's.
     *
     * @dataProvider schemas
     */
    public function testASchemaOfOnesOwnIsCheckedToo(\stdClass $case): void
    {
        $reader = self::reader();
        $reader->schema = EventSchema::read(Cases::native($case->schema));
        self::assertPaths($case->errors, static fn () => $reader->checked(Cases::native($case->event)));
    }

    /** @return array<string, array{\stdClass}> */
    public static function schemas(): array
    {
        return Cases::list('schema');
    }

    /**
     * A mistake in a schema is an error where it is set, and named.
     *
     * @dataProvider wrongSchemas
     */
    public function testASchemaThatCantBeMeantIsRefused(\stdClass $case): void
    {
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage($case->path);
        Calls::client(new ScriptedTransport())->setEventSchema(Cases::native($case->schema));
    }

    /** @return array<string, array{\stdClass}> */
    public static function wrongSchemas(): array
    {
        return Cases::list('schema', 'refused');
    }

    /** PHP's empty array is an object where the API has one, and a list elsewhere. */
    public function testAnEmptyArrayIsWhatTheFieldIs(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok(), ScriptedTransport::ok());
        $client = Calls::client($transport);
        $event = ['event' => 'course.completed', 'user_id' => 'u', 'event_id' => 'e', 'timestamp' => 1_769_854_500];
        $client->events->track(['properties' => []] + $event);
        $client->events->track(['properties' => ['tags' => []]] + $event);
        self::assertStringContainsString('"properties":{}', $transport->seen[0]->body);
        self::assertStringContainsString('"properties":{"tags":[]}', $transport->seen[1]->body);
    }

    /** Objects that say what they are in JSON, and enums, travel as that. */
    public function testObjectsTravelAsTheirJson(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $lesson = new class implements \JsonSerializable {
            public function jsonSerialize(): mixed
            {
                return ['lesson' => 7, 'at' => new \DateTimeImmutable('2026-01-31T10:15:00Z')];
            }
        };
        Calls::client($transport)->events->track(['event' => 'lesson.completed', 'user_id' => 'u', 'properties' => [
            'lesson' => $lesson,
        ]]);
        $body = $transport->seen[0]->body;
        self::assertStringContainsString('"lesson":{"lesson":7,"at":"2026-01-31T10:15:00.000Z"}', $body);
    }

    /**
     * A value that can't be sent is refused where it is given, and named by its path.
     *
     * @dataProvider unspeakable
     */
    public function testWhatJsonCantSayIsAnErrorOfTheField(mixed $value, string $path): void
    {
        $client = Calls::client(new ScriptedTransport(), ['validate_events' => false]);
        $event = ['event' => 'course.completed', 'user_id' => 'u', 'properties' => ['x' => $value]];
        self::assertPaths([$path], static fn () => $client->events->track($event));
    }

    /** @return array<array{mixed, string}> */
    public static function unspeakable(): array
    {
        $loop = new \stdClass();
        $loop->again = $loop;
        return [
            [NAN, 'properties.x'],
            [['a' => [1, INF]], 'properties.x.a[1]'],
            ["\xff", 'properties.x'],
            [new \ArrayObject(), 'properties.x'],
            [$loop, 'properties.x' . str_repeat('.again', 31)],
        ];
    }

    /** @return \ArrayIterator<int, string> */
    private static function ids(string $file): \ArrayIterator
    {
        return new \ArrayIterator(Cases::file($file)->ids);
    }

    /**
     * A client at the cases' time and with the cases' ids.
     *
     * @param array<string, mixed> $config
     */
    private static function stamping(\ArrayIterator $ids, ScriptedTransport $transport, array $config = []): Client
    {
        return Calls::client($transport, $config + ['clock' => self::clock(), 'new_id' => self::next($ids)]);
    }

    private static function reader(): EventReader
    {
        return new EventReader(new Stamps(self::clock(), self::next(self::ids('events'))), true);
    }

    /** @return \Closure(): \DateTimeImmutable */
    private static function clock(): \Closure
    {
        return static fn () => new \DateTimeImmutable(Cases::file('events')->clock);
    }

    /**
     * @param \ArrayIterator<int, string> $ids
     * @return \Closure(): string
     */
    private static function next(\ArrayIterator $ids): \Closure
    {
        return static function () use ($ids): string {
            $id = $ids->current();
            $ids->next();
            return $id;
        };
    }

    /** @param \Closure(Client): \Closure $method */
    private static function assertAward(\stdClass $case, \Closure $method): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $award = $method(self::stamping(self::ids('awards'), $transport));
        $given = (array) Cases::native($case->given);
        self::assertPaths($case->errors ?? [], static fn () => $award($given, $case->key ?? null));
        if (isset($case->errors)) {
            self::assertSame([], $transport->seen);
            return;
        }
        self::assertJsonStringEqualsJsonString(json_encode($case->wire), $transport->seen[0]->body);
        self::assertSame($case->idempotency_key, $transport->seen[0]->headers['idempotency-key']);
    }

    /**
     * The ValidationException has these paths, each once, or there is none.
     *
     * @param list<string> $expected
     */
    private static function assertPaths(array $expected, \Closure $work): void
    {
        $found = [];
        try {
            $work();
        } catch (ValidationException $refused) {
            $found = array_column($refused->errors, 'path');
        }
        sort($expected);
        sort($found);
        self::assertSame($expected, $found);
    }
}
