<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use PHPUnit\Framework\TestCase;
use RocketLearning\Client;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RequestTimeoutException;
use RocketLearning\Exception\ServerException;
use RocketLearning\Exception\ValidationException;
use RocketLearning\RetryPolicy;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\ScriptedTransport;
use RocketLearning\Transport;

/** The client as a whole: retry with the same key, the breaker, the logger, headers and options. */
final class ClientTest extends TestCase
{
    private const AWARD = ['user_id' => 'u', 'points' => 5, 'reason' => 'r'];
    private const EVENT = ['event' => 'lesson.completed', 'user_id' => 'u'];

    /** However often an award is tried, the server knows that it is one. */
    public function testARetryHasTheSameIdempotencyKey(): void
    {
        $transport = new ScriptedTransport(
            new NetworkException('away'),
            ScriptedTransport::status(503),
            ScriptedTransport::status(429),
            ScriptedTransport::ok(['balance' => 5]),
        );
        self::assertSame(['balance' => 5], Calls::client($transport)->points->award(self::AWARD));
        self::assertCount(4, $transport->seen);
        self::assertCount(1, array_unique(array_map(
            static fn (\stdClass $request): string => $request->headers['idempotency-key'],
            $transport->seen,
        )));
    }

    /** The event's id and time are those of the first try. */
    public function testARetrySendsTheSameEvent(): void
    {
        $transport = new ScriptedTransport(new RequestTimeoutException('late'), ScriptedTransport::ok());
        Calls::client($transport)->events->track(self::EVENT);
        self::assertSame($transport->seen[0]->body, $transport->seen[1]->body);
        self::assertStringContainsString('"event_id"', $transport->seen[0]->body);
    }

    /** What the caller does twice counts twice. */
    public function testTwoCallsAreTwo(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok(), ScriptedTransport::ok());
        $client = Calls::client($transport);
        $client->badges->award(['user_id' => 'u', 'badge_id' => 'b']);
        $client->badges->award(['user_id' => 'u', 'badge_id' => 'b']);
        [$first, $second] = array_column(array_column($transport->seen, 'headers'), 'idempotency-key');
        self::assertNotSame($first, $second);
    }

    /** After five failed tries nothing is sent, whatever is called. */
    public function testTheBreakerOpensForAllCallsOfAClient(): void
    {
        $transport = new ScriptedTransport(...array_fill(0, 5, ScriptedTransport::status(500)));
        $client = Calls::client($transport, ['retry' => RetryPolicy::none()]);
        for ($call = 0; $call < 5; $call++) {
            try {
                $client->events->track(self::EVENT);
                self::fail('nothing was thrown');
            } catch (ServerException) {
                continue;
            }
        }
        $this->expectException(CircuitOpenException::class);
        $client->users->getBalance('u');
    }

    /** The caller learns what went wrong, not that the breaker opened meanwhile. */
    public function testACallWhoseBreakerOpensEndsWithItsOwnError(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::status(500), ScriptedTransport::status(500));
        $this->expectException(ServerException::class);
        Calls::client($transport, ['breaker' => ['threshold' => 2]])->health();
    }

    /** A trial that is interrupted, as by a handler of a signal, doesn't keep the circuit half open for ever. */
    public function testAnInterruptedTrialLeavesTheBreakerUsable(): void
    {
        $transport = $this->createStub(Transport::class);
        $transport->method('send')->willReturnOnConsecutiveCalls(
            ScriptedTransport::status(500),
            $this->throwException(new \DomainException('time is up')),
            ScriptedTransport::ok(['status' => 'ok']),
        );
        $client = Calls::client($transport, [
            'retry' => ['enabled' => false],
            'breaker' => ['threshold' => 1, 'reset' => 0],
        ]);
        foreach ([ServerException::class, \DomainException::class] as $kind) {
            try {
                $client->health();
                self::fail('nothing was thrown');
            } catch (\Exception $error) {
                self::assertInstanceOf($kind, $error);
            }
        }
        self::assertSame(['status' => 'ok'], $client->health());
    }

    /** Each try with its status, each retry with its delay, each change of the breaker; no query, no key. */
    public function testALoggerHearsOfTriesRetriesAndTheBreaker(): void
    {
        $heard = [];
        $transport = new ScriptedTransport(ScriptedTransport::status(500), ScriptedTransport::ok());
        Calls::client($transport, [
            'breaker' => ['threshold' => 1, 'reset' => 0],
            'logger' => static function (string $level, string $message, array $context) use (&$heard): void {
                $heard[] = [$level, $message, $context];
            },
        ])->users->search(['email' => 'ada@example.org']);
        self::assertSame([
            ['debug', 'request'],
            ['warning', 'circuit breaker'],
            ['info', 'retry'],
            ['warning', 'circuit breaker'],
            ['debug', 'request'],
            ['warning', 'circuit breaker'],
        ], array_map(static fn (array $notice): array => [$notice[0], $notice[1]], $heard));
        self::assertSame([1, 500], [$heard[0][2]['try'], $heard[0][2]['status']]);
        self::assertSame(['closed', 'open'], [$heard[1][2]['before'], $heard[1][2]['after']]);
        $text = (string) json_encode($heard);
        self::assertStringNotContainsString('ada', $text);
        self::assertStringNotContainsString('rk_test_key', $text);
    }

    /** A PSR-3 logger is taken as it is, and one that fails disturbs nothing. */
    public function testALoggerOfPsr3(): void
    {
        $logger = new class {
            /** @var list<string> */
            public array $levels = [];

            public function log(mixed $level, string|\Stringable $message, array $context = []): void
            {
                $this->levels[] = $level;
                throw new \RuntimeException('full disk');
            }
        };
        $before = ini_set('error_log', '/dev/null');
        try {
            Calls::client(new ScriptedTransport(ScriptedTransport::ok()), ['logger' => $logger])->health();
        } finally {
            ini_set('error_log', (string) $before);
        }
        self::assertSame(['debug'], $logger->levels);
    }

    /** The key, what is accepted, and the name of this package. */
    public function testEveryRequestSaysWhoItIs(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        Calls::client($transport, ['timeout' => 7])->events->track(self::EVENT);
        $headers = $transport->seen[0]->headers;
        self::assertSame('Bearer rk_test_key', $headers['authorization']);
        self::assertSame('application/json', $headers['accept']);
        self::assertSame('application/json', $headers['content-type']);
        self::assertStringStartsWith('rocket-learning-sdk-php/1.0.0 ', $headers['user-agent']);
        self::assertSame(7.0, $transport->seen[0]->timeout);
    }

    /** Switched off, the server is the judge; with it, nothing wrong is sent. */
    public function testValidationCanBeSwitchedOff(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $wrong = ['event' => 'wrong', 'user_id' => 'u'];
        Calls::client($transport, ['validate_events' => false])->events->track($wrong);
        self::assertCount(1, $transport->seen);
        $this->expectException(ValidationException::class);
        Calls::client(new ScriptedTransport())->events->track($wrong);
    }

    /** A client checks by the schema that it has at the moment. */
    public function testASchemaCanBeSetAndTakenAway(): void
    {
        $client = Calls::client(new ScriptedTransport(ScriptedTransport::ok()));
        $client->setEventSchema(['properties' => ['course_id' => ['type' => 'string', 'required' => true]]]);
        try {
            $client->events->track(self::EVENT);
            self::fail('it was taken');
        } catch (ValidationException $refused) {
            self::assertSame('properties.course_id: is required', $refused->getMessage());
        }
        $client->setEventSchema(null);
        self::assertSame([], $client->events->track(self::EVENT));
    }

    /** Closing a client sends what its buffers have. */
    public function testClosingAClientEmptiesItsBuffers(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok(), ScriptedTransport::ok());
        $client = Calls::client($transport);
        $buffers = [$client->buffer(), $client->buffer()];
        $buffers[0]->add(self::EVENT);
        $buffers[1]->add(self::EVENT);
        $client->close();
        self::assertSame([0, 0], [$buffers[0]->waiting(), $buffers[1]->waiting()]);
        self::assertCount(2, $transport->seen);
    }

    /**
     * An option that can't be meant is named, at once.
     *
     * @param array<string, mixed> $config
     * @dataProvider wrongOptions
     */
    public function testOptionsThatCantBeMeantAreRefused(array $config, string $named): void
    {
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage($named);
        new Client($config + ['api_key' => 'k']);
    }

    /** @return list<array{array<string, mixed>, string}> */
    public static function wrongOptions(): array
    {
        return [
            [['apiKey' => 'k'], 'client.apiKey'],
            [['api_key' => 7], 'client.api_key'],
            [['timeout' => 0], 'client.timeout'],
            [['timeout' => 'soon'], 'client.timeout'],
            [['timeout' => NAN], 'client.timeout'],
            [['retry' => false], 'client.retry'],
            [['retry' => ['max_retries' => 1.5]], 'retry.max_retries'],
            [['retry' => ['base_delay' => -1]], 'retry'],
            [['retry' => ['retries' => 3]], 'retry.retries'],
            [['breaker' => ['threshold' => 0]], 'breaker'],
            [['validate_events' => 'no'], 'client.validate_events'],
            [['logger' => new \stdClass()], 'client.logger'],
            [['environment' => 'test'], 'client.environment'],
            [['base_url' => 'rewards.example.org'], 'client.base_url'],
        ];
    }

    /** Numbers may be texts, as variables of the environment are. */
    public function testNumbersMayBeTexts(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        Calls::client($transport, ['timeout' => '2.5', 'retry' => ['max_retries' => '5']])->health();
        self::assertSame(2.5, $transport->seen[0]->timeout);
    }
}
