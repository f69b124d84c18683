<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use RocketLearning\DeadLetters;
use RocketLearning\EventBuffer;
use RocketLearning\EventReader;
use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\AuthenticationException;
use RocketLearning\Exception\BufferClosedException;
use RocketLearning\Exception\BufferFullException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\InvalidRequestException;
use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RocketException;
use RocketLearning\Exception\ValidationException;
use RocketLearning\Stamps;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\CaseTestCase;
use RocketLearning\Tests\Support\Program;
use RocketLearning\Tests\Support\ScriptedTransport;
use RocketLearning\Watcher;

/** The event buffer, on a scripted clock with a scripted server, and where programs end. */
final class BufferTest extends CaseTestCase
{
    private const EVENT = ['event' => 'lesson.completed', 'user_id' => 'u'];

    private float $now = 0.0;
    /** @var list<list<string>> the ids of the batches that were tried */
    private array $sent = [];
    /** @var list<array{string, string}> ids and reasons */
    private array $dead = [];
    /** @var list<mixed> what the server says to the batches that come */
    private array $answers = [];

    /**
     * What is sent when, what waits, and what becomes a dead letter.
     *
     * @dataProvider courses
     */
    public function testTheBufferGoesAsTheCasesSay(\stdClass $case): void
    {
        $this->answers = $case->answers;
        $buffer = $this->buffer((array) $case->options);
        $added = 0;
        foreach ($case->steps as $step) {
            [$this->now, $this->sent, $this->dead] = [(float) $step->at_s, [], []];
            $raised = null;
            for ($left = $step->events ?? 0; $left > 0; $left--) {
                $added++;
                try {
                    $buffer->add(self::EVENT + ['event_id' => "e{$added}"]);
                } catch (RocketException $error) {
                    $raised = $error;
                }
            }
            if ($step->do !== 'add') {
                $buffer->{$step->do}();
            }
            $expected = isset($step->error) ? self::kind($step->error) : null;
            self::assertSame($expected, $raised === null ? null : $raised::class);
            self::assertSame(
                [$step->sent, $step->dead, $step->waiting],
                [$this->sent, $this->dead, $buffer->waiting()],
            );
        }
    }

    /** @return array<string, array{\stdClass}> */
    public static function courses(): array
    {
        return Cases::list('buffer');
    }

    /**
     * Events wait through an outage; a refusal is final.
     *
     * @dataProvider outages
     */
    public function testWhatAnOutageIs(\stdClass $case): void
    {
        $kind = self::kind($case->name);
        $status = ['ServerError' => 503, 'RateLimitError' => 429][$case->name] ?? 400;
        $error = match (true) {
            is_subclass_of($kind, ApiException::class) => new $kind('no', $status),
            $kind === CircuitOpenException::class => new $kind(1.0),
            default => new $kind('no'),
        };
        $this->answers = [$error, 'ok'];
        $buffer = $this->buffer();
        $buffer->add(self::EVENT);
        $buffer->flush();
        self::assertSame($case->outage, $buffer->waiting() === 1);
        self::assertCount($case->outage ? 0 : 1, $this->dead);
    }

    /** @return array<string, array{\stdClass}> */
    public static function outages(): array
    {
        return Cases::list('buffer', 'outages');
    }

    /** A full buffer that may send again does so first, and takes the event. */
    public function testAfterAnOutageAFullBufferMakesRoom(): void
    {
        $this->answers = ['outage', 'ok', 'ok'];
        $buffer = $this->buffer(['max_size' => 2, 'capacity' => 2, 'overflow' => 'raise']);
        $buffer->add(self::EVENT);
        $buffer->add(self::EVENT);
        $this->now = 5.0;
        $buffer->add(self::EVENT);
        self::assertSame(1, $buffer->waiting());
    }

    /** A dead letter's callable may add an event, which is then sent as well. */
    public function testADeadLetterMayBeAddedAgain(): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::status(400), ScriptedTransport::ok());
        $buffer = Calls::client($transport)->buffer([
            'on_dead_letter' => static function (array $event) use (&$buffer): void {
                $buffer->add(['user_id' => 'again'] + $event);
            },
        ]);
        $buffer->add(self::EVENT);
        $buffer->flush();
        self::assertSame(0, $buffer->waiting());
        self::assertStringContainsString('"again"', $transport->seen[1]->body);
    }

    /** An answer about an event that wasn't sent takes no other event with it. */
    public function testAnOddAnswerBuriesNothing(): void
    {
        $odd = ['failed' => 1, 'results' => [['index' => 99, 'status' => 'failed'], ['status' => 'failed']]];
        $transport = new ScriptedTransport(ScriptedTransport::ok($odd));
        $buffer = Calls::client($transport)->buffer(['on_dead_letter' => function (array $event): void {
            $this->dead[] = $event;
        }]);
        $buffer->add(self::EVENT);
        $buffer->close();
        self::assertSame([[], 0], [$this->dead, $buffer->waiting()]);
    }

    /** Where sending itself is broken, closing throws, and the events are dead letters all the same. */
    public function testWhatABrokenTransportCantSendIsDead(): void
    {
        $this->answers = [new \LogicException('broken')];
        $buffer = $this->buffer();
        $buffer->add(self::EVENT + ['event_id' => 'e1']);
        try {
            $buffer->close();
            self::fail('nothing was thrown');
        } catch (\LogicException) {
            self::assertSame([['e1', 'closed']], $this->dead);
        }
    }

    /** A buffer refuses a wrong event where it is added, and takes nothing; closed, it takes none at all. */
    public function testAWrongEventIsTheAddersError(): void
    {
        $buffer = $this->buffer();
        try {
            $buffer->add(['event' => 'wrong', 'user_id' => 'u']);
            self::fail('it was taken');
        } catch (ValidationException) {
            self::assertSame(0, $buffer->waiting());
        }
        $buffer->close();
        $this->expectException(BufferClosedException::class);
        $buffer->add(self::EVENT);
    }

    /** A buffer of no size, or smaller than a batch, and a name that is misspelt are errors at once. */
    public function testOptionsThatCantBeMeantAreRefused(): void
    {
        $client = Calls::client(new ScriptedTransport());
        $wrong = [
            'max_size' => 0,
            'capacity' => 5,
            'flush_interval' => 0,
            'overflow' => 'drop',
            'on_dead_letter' => 'nowhere',
            'size' => 100,
        ];
        foreach ($wrong as $name => $value) {
            try {
                $client->buffer([$name => $value]);
                self::fail("{$name} was taken");
            } catch (ConfigurationException $refused) {
                self::assertStringContainsString($name, $refused->getMessage());
            }
        }
    }

    /** One JSON object a line, with time, reason, error and the event. */
    public function testDeadLettersGoToAFile(): void
    {
        $file = (string) tempnam(sys_get_temp_dir(), 'dead');
        $stamps = new Stamps(static fn () => new \DateTimeImmutable('2026-01-31T10:15:00Z'));
        $letters = new DeadLetters(new Watcher(), $stamps, null, $file);
        $letters->add(['event_id' => 'é'], 'refused', 'no');
        $letters->add(['event_id' => 'f'], 'closed', 'no');
        $lines = file($file, FILE_IGNORE_NEW_LINES) ?: [];
        unlink($file);
        self::assertCount(2, $lines);
        self::assertSame(
            '{"at":"2026-01-31T10:15:00.000Z","reason":"refused","error":"no","event":{"event_id":"é"}}',
            $lines[0],
        );
    }

    /** Without a place for dead letters, or where that fails, the log has the event, whole. */
    public function testAnEventThatNobodyKeepsIsLogged(): void
    {
        $fail = static fn () => throw new \RuntimeException('full');
        foreach ([[null, null], [$fail, null], [null, '/nowhere/dead.jsonl']] as [$call, $file]) {
            $logged = [];
            $watcher = new Watcher(static function (string $level, string $message, array $context) use (&$logged) {
                $logged[] = [$level, $context['event'] ?? null];
            });
            (new DeadLetters($watcher, new Stamps(), $call, $file))->add(['event_id' => 'e1'], 'refused', 'no');
            self::assertContains(['error', '{"event_id":"e1"}'], $logged);
        }
    }

    /**
     * However a program ends, what waits is sent: by the last line, `exit`, an uncaught error, a fatal error, or
     * a handler of a signal while a batch is on its way.
     *
     * @dataProvider endings
     */
    public function testTheEndOfTheProgramSendsWhatWaits(string $ending): void
    {
        $program = new Program(<<<PHP
            \$transport = new class implements RocketLearning\Transport {
                public int \$sent = 0;

                public function send(
                    string \$method,
                    string \$url,
                    array \$headers,
                    ?string \$body,
                    float \$timeout,
                ): RocketLearning\Answer {
                    if (\$this->sent++ === 0 && getenv('DURING') !== false) {
                        exit(3);
                    }
                    echo substr_count((string) \$body, '"event_id"'), " sent\n";
                    return new RocketLearning\Answer(200, [], '{"failed": 0, "results": []}');
                }
            };
            \$client = new RocketLearning\Client(['api_key' => 'k', 'transport' => \$transport]);
            \$buffer = \$client->buffer(['max_size' => 2]);
            \$buffer->add(['event' => 'lesson.completed', 'user_id' => 'u']);
            {$ending}
            PHP);
        self::assertStringContainsString(' sent', $program->output);
        self::assertSame(1, substr_count($program->output, ' sent'), $program->output);
    }

    /** @return array<string, array{string}> */
    public static function endings(): array
    {
        return [
            'the last line' => [''],
            'exit' => ['exit(3);'],
            'an uncaught error' => ['throw new RuntimeException();'],
            'a fatal error' => ['ini_set("memory_limit", "8M"); str_repeat("x", 1 << 30);'],
            'a handler of SIGTERM' => [<<<'PHP'
                if (function_exists('pcntl_signal')) {
                    pcntl_async_signals(true);
                    pcntl_signal(SIGTERM, fn () => exit());
                    exec('kill ' . getmypid());
                    sleep(30);
                }
                PHP],
            'the buffer is forgotten' => ['$client = $buffer = null;'],
            'exit while sending' => ['putenv("DURING=1"); $buffer->add(["event" => "a.b", "user_id" => "u"]);'],
        ];
    }

    /** A process that was forked doesn't send what its parent sends. */
    public function testAForkedProcessSendsNothing(): void
    {
        if (!function_exists('pcntl_fork')) {
            self::assertFalse(extension_loaded('pcntl'), 'without it there is nothing to keep apart');
            return;
        }
        $program = new Program(<<<'PHP'
            $client = new RocketLearning\Client(['api_key' => 'k', 'base_url' => 'http://127.0.0.1:9', 'retry' => [
                'enabled' => false,
            ]]);
            $client->buffer(['on_dead_letter' => static function (): void {
                echo "dead\n";
            }])->add(['event' => 'lesson.completed', 'user_id' => 'u']);
            $child = pcntl_fork();
            if ($child !== 0) {
                pcntl_waitpid($child, $status);
                echo "parent\n";
            }
            PHP);
        self::assertSame("parent\ndead\n", $program->output);
    }

    /** @param array<string, mixed> $options */
    private function buffer(array $options = []): EventBuffer
    {
        $given = $options + (array) Cases::file('buffer')->defaults;
        $stamps = new Stamps();
        $letters = function (array $event, string $reason): void {
            $this->dead[] = [$event['event_id'], $reason];
        };
        return new EventBuffer(
            new EventReader($stamps, true),
            $this->answer(...),
            new DeadLetters(new Watcher(), $stamps, $letters),
            $given['max_size'],
            (float) $given['flush_interval_s'],
            $given['capacity'],
            $given['overflow'],
            fn (): float => $this->now,
        );
    }

    /**
     * @param list<array<string, mixed>> $batch
     * @return array<string, mixed>
     */
    private function answer(array $batch): array
    {
        $this->sent[] = array_column($batch, 'event_id');
        $answer = array_shift($this->answers);
        if ($answer === 'outage') {
            throw new NetworkException('away');
        }
        if ($answer === 'refused') {
            throw new AuthenticationException('no', 401);
        }
        if ($answer === 'too_large') {
            throw new InvalidRequestException('too large', 413);
        }
        if ($answer instanceof \Throwable) {
            throw $answer;
        }
        $failed = $answer->failed ?? [];
        $results = array_map(static fn (int $index): array => [
            'index' => $index,
            'status' => in_array($index, $failed, true) ? 'failed' : 'processed',
        ], array_keys($batch));
        return ['failed' => count($failed), 'results' => $results];
    }

    private static function kind(string $error): string
    {
        return 'RocketLearning\\Exception\\' . substr($error, 0, -strlen('Error')) . 'Exception';
    }
}
