<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use RocketLearning\Answer;
use RocketLearning\CircuitBreaker;
use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\CircuitOpenException;
use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RequestTimeoutException;
use RocketLearning\Exception\TransportException;
use RocketLearning\RetryPolicy;
use RocketLearning\TestEvents;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\CaseTestCase;
use RocketLearning\Tests\Support\ScriptedTransport;

/** When to try again, when to stop trying, what an answer means, and events for trying out. */
final class PoliciesTest extends CaseTestCase
{
    /**
     * The delay before the next try, or that there is none.
     *
     * @dataProvider retries
     */
    public function testTheNextTryComesWhenTheCasesSay(\stdClass $case): void
    {
        $policy = self::policy($case->policy);
        $delay = $policy->delay(self::failure($case->outcome), $case->retry, $case->random);
        if ($case->delay_ms === null) {
            self::assertNull($delay);
        } else {
            self::assertEqualsWithDelta($case->delay_ms / 1000, $delay, 0.001);
        }
    }

    /** @return array<string, array{\stdClass}> */
    public static function retries(): array
    {
        return Cases::list('retry');
    }

    /** Who gives no policy gets the one of the cases. */
    public function testTheDefaultsOfRetryAreThoseOfTheCases(): void
    {
        self::assertEquals(self::policy(Cases::file('retry')->defaults), RetryPolicy::read([]));
        self::assertEquals(RetryPolicy::read([]), new RetryPolicy());
    }

    /**
     * A server that answers works, even where it refuses.
     *
     * @dataProvider failures
     */
    public function testWhatCountsAsAFailure(\stdClass $case): void
    {
        $isSuccess = $case->outcome->kind === 'status' && $case->outcome->status < 300;
        $failure = $isSuccess ? null : self::failure($case->outcome);
        self::assertSame($case->failure, CircuitBreaker::isFailure($failure));
    }

    /** @return array<string, array{\stdClass}> */
    public static function failures(): array
    {
        return Cases::list('breaker', 'failures');
    }

    /**
     * On a scripted clock each step has its answer and its state.
     *
     * @dataProvider breakers
     */
    public function testTheBreakerGoesAsTheCasesSay(\stdClass $case): void
    {
        $defaults = Cases::file('breaker')->defaults;
        $now = 0.0;
        $breaker = new CircuitBreaker(
            $case->threshold ?? $defaults->threshold,
            $case->reset_s ?? $defaults->reset_s,
            static function () use (&$now): float {
                return $now;
            },
        );
        foreach ($case->steps as $step) {
            $now = (float) $step->at_s;
            match ($step->do) {
                'ask' => self::assertSame($step->allowed, self::mayEnter($breaker)),
                'success' => $breaker->succeeded(),
                'failure' => $breaker->failed(),
                'cancel' => $breaker->cancelled(),
            };
            self::assertSame($step->state, $breaker->state()->value);
        }
    }

    /** @return array<string, array{\stdClass}> */
    public static function breakers(): array
    {
        return Cases::list('breaker');
    }

    /** Whatever the caller does inside counts: an exception as a failure, a mistake in the program as nothing. */
    public function testABreakerGuardsWhatIsOnesOwn(): void
    {
        $breaker = new CircuitBreaker(threshold: 2, reset: 3600);
        self::assertSame(7, $breaker->call(static fn (): int => 7));
        foreach ([\TypeError::class, \RuntimeException::class, \RuntimeException::class] as $kind) {
            try {
                $breaker->call(static fn () => throw new $kind('away'));
                self::fail('nothing was thrown');
            } catch (\TypeError | \RuntimeException $error) {
                self::assertSame('away', $error->getMessage());
            }
        }
        $this->expectException(CircuitOpenException::class);
        $breaker->call(static fn () => self::fail('the circuit is open'));
    }

    /**
     * Status, headers and body decide the kind of error and what it tells.
     *
     * @dataProvider refusals
     */
    public function testAnAnswerBecomesItsError(\stdClass $case): void
    {
        $headers = array_change_key_case((array) $case->headers);
        $transport = new ScriptedTransport(new Answer($case->status, $headers, $case->body));
        try {
            Calls::client($transport, ['retry' => RetryPolicy::none()])->users->getBalance('u');
            self::fail('nothing was thrown');
        } catch (ApiException $error) {
            $kind = substr($case->error, 0, -strlen('Error')) . 'Exception';
            self::assertSame("RocketLearning\\Exception\\{$kind}", $error::class);
            self::assertSame($case->status, $error->status);
            self::assertSame($case->code, $error->errorCode);
            self::assertSame($case->message, $error->serverMessage);
            self::assertSame($case->request_id, $error->requestId);
            self::assertJsonStringEqualsJsonString(json_encode($case->details), json_encode((object) $error->details));
            self::assertSame($case->retry_after_s, $error->retryAfter);
        }
    }

    /** @return array<string, array{\stdClass}> */
    public static function refusals(): array
    {
        return Cases::list('errors');
    }

    /** The text of an error has its message, status, code and request. */
    public function testAnErrorSaysWhatAnAdministratorNeeds(): void
    {
        $body = '{"error": "conflict", "message": "Used before.", "details": {}, "request_id": "req-1"}';
        $error = (new Answer(409, [], $body))->outcome();
        self::assertInstanceOf(ApiException::class, $error);
        self::assertSame('Used before. (status 409, conflict, request req-1)', $error->getMessage());
    }

    /**
     * Events for trying out: kinds in turn, three lessons a course, any progress.
     *
     * @dataProvider generated
     */
    public function testGeneratedEventsAreThoseOfTheCases(\stdClass $case): void
    {
        $made = TestEvents::generate($case->user_id, $case->count);
        foreach ($made as &$event) {
            self::assertStringEndsWith('Z', $event['timestamp']);
            self::assertContains($event['properties']['progress_pct'], range(0, 99));
            unset($event['timestamp'], $event['properties']['progress_pct']);
        }
        self::assertJsonStringEqualsJsonString(json_encode($case->events), json_encode($made));
        self::assertCount(Cases::file('generator')->default_count, TestEvents::generate('u'));
    }

    /** @return array<string, array{\stdClass}> */
    public static function generated(): array
    {
        return Cases::list('generator');
    }

    private static function policy(\stdClass $given): RetryPolicy
    {
        $options = [];
        foreach ((array) $given as $name => $value) {
            $isDuration = str_ends_with($name, '_ms');
            $options[$isDuration ? substr($name, 0, -3) : $name] = $isDuration ? $value / 1000 : $value;
        }
        return RetryPolicy::read($options);
    }

    private static function failure(\stdClass $outcome): ApiException|TransportException
    {
        return match ($outcome->kind) {
            'network' => new NetworkException('reset'),
            'timeout' => new RequestTimeoutException('late'),
            'status' => new ApiException('no', $outcome->status, retryAfter: $outcome->retry_after_s ?? null),
        };
    }

    private static function mayEnter(CircuitBreaker $breaker): bool
    {
        try {
            $breaker->enter();
        } catch (CircuitOpenException) {
            return false;
        }
        return true;
    }
}
