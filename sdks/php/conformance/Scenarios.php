<?php

declare(strict_types=1);

namespace RocketLearning\Conformance;

use RocketLearning\Client;
use RocketLearning\Exception\RocketException;

/** What the driver does in each scenario of `expected.json`, and the facts that it tells. */
final class Scenarios
{
    /** What every client is made with, unless a scenario says otherwise. */
    public const CONFIG = ['timeout' => 3, 'retry' => ['base_delay' => 0.05]];

    private const COURSE = ['course_id' => 'conformance'];
    private const COUNTS = ['processed', 'duplicates', 'failed'];
    private const ONE_TRY = ['retry' => ['enabled' => false]];

    public function __construct(private readonly string $run)
    {
    }

    /** @return array<string, \Closure(): array<string, mixed>> in the order in which they are done */
    public function all(): array
    {
        return [
            'track' => $this->track(...),
            'track_minimal' => $this->trackMinimal(...),
            'duplicate' => $this->duplicate(...),
            'native_time' => $this->nativeTime(...),
            'track_batch' => $this->trackBatch(...),
            'batch_mixed' => $this->batchMixed(...),
            'validate' => $this->validate(...),
            'validation_error' => $this->validationError(...),
            'own_schema' => $this->ownSchema(...),
            'award' => $this->award(...),
            'award_same_key' => $this->awardSameKey(...),
            'deduct' => $this->deduct(...),
            'balance' => $this->balance(...),
            'odd_id' => $this->oddId(...),
            'badges' => $this->badges(...),
            'reads' => $this->reads(...),
            'unauthorized' => fn () => $this->balanceOf('u', ['api_key' => 'rk_live_wrong']),
            'not_found' => fn () => $this->balanceOf("{$this->run}-nobody"),
            'bad_request' => $this->badRequest(...),
            'conflict' => $this->conflict(...),
            'insufficient_points' => $this->insufficientPoints(...),
            'rate_limited' => fn () => $this->fivePoints('429'),
            'rate_limited_for_good' => fn () => $this->fivePoints('429b'),
            'unavailable' => $this->unavailable(...),
            'unavailable_for_good' => $this->unavailableForGood(...),
            'proxy_page' => fn () => $this->balanceOf('u', self::ONE_TRY),
            'redirect' => fn () => $this->balanceOf('u'),
            'timeout' => fn () => $this->fivePoints('late'),
            'timeout_for_good' => fn () => $this->balanceOf('u', self::ONE_TRY),
            'reset_before' => fn () => $this->fivePoints('reset'),
            'reset_after' => fn () => $this->fivePoints('reset2'),
            'reset_after_batch' => $this->resetAfterBatch(...),
            'reset_after_badge' => $this->resetAfterBadge(...),
            'half_an_answer' => fn () => $this->fivePoints('half'),
            'refused' => $this->refused(...),
            'breaker' => $this->breaker(...),
            'buffer' => $this->buffer(...),
            'buffer_dead_letters' => $this->bufferDeadLetters(...),
        ];
    }

    private function track(): array
    {
        $answer = self::client()->events->track([
            'event' => 'course.completed',
            'user_id' => "{$this->run}-track",
            'event_id' => "{$this->run}-track",
            'properties' => self::COURSE,
        ]);
        return self::only($answer, 'status', 'points_awarded');
    }

    private function trackMinimal(): array
    {
        $answer = self::client()->events->track(['event' => 'lesson.completed', 'user_id' => "{$this->run}-minimal"]);
        return ['status' => $answer['status'], 'has_event_id' => is_string($answer['event_id'])];
    }

    private function duplicate(): array
    {
        $client = self::client();
        $name = "{$this->run}-duplicate";
        $event = [
            'event' => 'course.completed',
            'user_id' => $name,
            'event_id' => $name,
            'properties' => self::COURSE,
        ];
        [$first, $second] = [$client->events->track($event), $client->events->track($event)];
        return [
            'statuses' => [$first['status'], $second['status']],
            'same_event_id' => $first['event_id'] === $second['event_id'],
        ];
    }

    private function nativeTime(): array
    {
        $client = self::client();
        $answer = $client->events->track([
            'event' => 'lesson.completed',
            'user_id' => "{$this->run}-time",
            'properties' => ['completion_time' => new \DateTimeImmutable('2026-01-31T10:15:00Z')],
        ]);
        return self::only($client->events->get($answer['event_id'])['properties'], 'completion_time');
    }

    private function trackBatch(): array
    {
        return self::only(self::client()->events->trackBatch($this->lessons('batch', 100)), ...self::COUNTS);
    }

    private function batchMixed(): array
    {
        $event = ['event' => 'lesson.completed', 'user_id' => "{$this->run}-mixed"];
        $answer = self::client(['validate_events' => false])->events->trackBatch([
            $event + ['event_id' => "{$this->run}-m1"],
            $event + ['event_id' => "{$this->run}-m2"],
            $event + ['event_id' => "{$this->run}-m1"],
            ['event' => 'bad'] + $event,
        ]);
        return self::only($answer, ...self::COUNTS) + ['statuses' => array_column($answer['results'], 'status')];
    }

    private function validate(): array
    {
        $client = self::client();
        $good = ['event' => 'course.completed', 'user_id' => 'u', 'properties' => self::COURSE];
        $valid = $client->events->validate($good)['valid'];
        $bad = $client->events->validate(['event' => 'bad', 'user_id' => 'u']);
        $paths = array_column($bad['errors'], 'path');
        sort($paths);
        return ['valid' => [$valid, $bad['valid']], 'paths' => $paths];
    }

    private function validationError(): array
    {
        return self::client()->events->track([
            'event' => 'course.completed',
            'user_id' => 'u',
            'properties' => ['progress_pct' => 101],
        ]);
    }

    private function ownSchema(): array
    {
        $client = self::client();
        $client->setEventSchema(['properties' => ['course_id' => ['type' => 'string', 'required' => true]]]);
        return $client->events->track(['event' => 'course.completed', 'user_id' => 'u']);
    }

    private function award(): array
    {
        $answer = self::client()->points->award(self::points("{$this->run}-award", 50, 'Course completion bonus'));
        return self::only($answer, 'points', 'balance');
    }

    private function awardSameKey(): array
    {
        $client = self::client();
        $name = "{$this->run}-key";
        $award = self::points($name, 50, 'Course completion bonus');
        [$first, $second] = [$client->points->award($award, $name), $client->points->award($award, $name)];
        return ['balance' => $second['balance'], 'same_entry' => $first['entry_id'] === $second['entry_id']];
    }

    private function deduct(): array
    {
        $client = self::client();
        $client->points->award(self::points("{$this->run}-deduct", 50, 'Course completion bonus'));
        return self::only($client->points->deduct(self::points("{$this->run}-deduct", 20, 'Sticker')), 'balance');
    }

    private function balance(): array
    {
        $client = self::client();
        $name = "{$this->run}-balance";
        $client->points->award(self::points($name, 7, 'Try'));
        $answer = $client->users->getBalance($name);
        return ['user_id' => substr($answer['user_id'], strlen("{$this->run}-"))]
            + self::only($answer, 'points', 'earned', 'spent');
    }

    private function oddId(): array
    {
        $client = self::client();
        $name = "{$this->run}: é🚀 50%?#+";
        $client->points->award(self::points($name, 3, 'Try'));
        return self::only($client->users->getBalance($name), 'points');
    }

    private function badges(): array
    {
        $client = self::client();
        $name = "{$this->run}-badges";
        $award = ['user_id' => $name, 'badge_id' => 'quiz_master', 'metadata' => ['quiz_score' => 85]];
        $answers = [$client->badges->award($award), $client->badges->award($award)];
        return [
            'statuses' => array_column($answers, 'status'),
            'badges' => array_column($client->users->getBadges($name)['badges'], 'badge_id'),
        ];
    }

    private function reads(): array
    {
        $client = self::client();
        $name = "{$this->run}-reads";
        $client->points->award(self::points($name, 1, 'Try'));
        $answers = [
            $client->events->list(['limit' => 1]),
            $client->users->get($name),
            $client->users->getRank($name),
            $client->users->getLedger($name),
            $client->users->getBadges($name),
            $client->users->getLimits($name),
            $client->users->getEvents($name),
            $client->users->search(['email' => 'nobody@example.org']),
            $client->badges->list(),
            $client->badges->get('quiz_master'),
            $client->leaderboard->get(['limit' => 1]),
            $client->rules->list(),
            $client->rules->get('course_completed'),
            $client->rules->templates(),
            $client->health(),
        ];
        return ['answers' => count(array_filter($answers, static fn (array $answer) => !array_is_list($answer)))];
    }

    private function badRequest(): array
    {
        return self::client(['validate_events' => false])->events->track(['event' => 'bad', 'user_id' => 'u']);
    }

    private function conflict(): array
    {
        $client = self::client();
        $name = "{$this->run}-conflict";
        $client->points->award(self::points($name, 1, 'Try'), $name);
        return $client->points->award(self::points($name, 2, 'Try'), $name);
    }

    private function insufficientPoints(): array
    {
        $client = self::client();
        $client->points->award(self::points("{$this->run}-poor", 5, 'Try'));
        return $client->points->deduct(self::points("{$this->run}-poor", 6, 'Sticker'));
    }

    private function unavailable(): array
    {
        $answer = self::client()->events->track([
            'event' => 'course.completed',
            'user_id' => "{$this->run}-503",
            'properties' => self::COURSE,
        ]);
        return self::only($answer, 'status', 'points_awarded');
    }

    private function unavailableForGood(): array
    {
        return self::client()->events->track(['event' => 'lesson.completed', 'user_id' => "{$this->run}-503b"]);
    }

    private function resetAfterBatch(): array
    {
        $answer = self::client()->events->trackBatch($this->lessons('reset3', 10));
        return self::only($answer, 'processed', 'duplicates');
    }

    private function resetAfterBadge(): array
    {
        $client = self::client();
        $name = "{$this->run}-sticker";
        $answer = $client->badges->award(['user_id' => $name, 'badge_id' => 'sticker']);
        return ['status' => $answer['status'], 'badges' => count($client->users->getBadges($name)['badges'])];
    }

    private function refused(): array
    {
        $client = self::client(['base_url' => (string) getenv('ROCKET_REFUSED_URL')]);
        return $client->points->award(self::points('u', 5, 'Try'));
    }

    private function breaker(): array
    {
        $client = self::client(self::ONE_TRY);
        $outcomes = [];
        for ($call = 0; $call < 6; $call++) {
            try {
                $client->events->track(['event' => 'lesson.completed', 'user_id' => "{$this->run}-breaker"]);
                $outcomes[] = 'ok';
            } catch (RocketException $error) {
                $outcomes[] = name_of($error);
            }
        }
        return ['outcomes' => $outcomes];
    }

    private function buffer(): array
    {
        $dead = 0;
        $buffer = self::client()->buffer(['on_dead_letter' => static function () use (&$dead): void {
            $dead++;
        }]);
        for ($index = 0; $index < 250; $index++) {
            $buffer->add(lesson("{$this->run}-buffer", "lesson-{$index}"));
        }
        $buffer->close();
        return ['dead' => $dead];
    }

    private function bufferDeadLetters(): array
    {
        $reasons = [];
        $note = static function (array $event, string $reason) use (&$reasons): void {
            $reasons[] = $reason;
        };
        $buffer = self::client(['validate_events' => false])->buffer(['on_dead_letter' => $note]);
        $buffer->add(['event' => 'lesson.completed', 'user_id' => "{$this->run}-dead"]);
        $buffer->add(['event' => 'bad', 'user_id' => "{$this->run}-dead"]);
        $buffer->close();
        return ['reasons' => $reasons];
    }

    /** Five points must arrive, whatever happens on the way. */
    private function fivePoints(string $learner): array
    {
        return self::only(self::client()->points->award(self::points("{$this->run}-{$learner}", 5, 'Try')), 'balance');
    }

    /** A read that goes wrong. */
    private function balanceOf(string $learner, array $config = []): array
    {
        return self::client($config)->users->getBalance($learner);
    }

    /** Events of so many learners in one lesson. */
    private function lessons(string $name, int $count): array
    {
        return array_map(
            fn (int $index): array => lesson("{$this->run}-{$name}-{$index}", 'lesson-123'),
            range(0, $count - 1),
        );
    }

    private static function client(array $config = []): Client
    {
        return new Client($config + self::CONFIG);
    }

    private static function points(string $learner, int $points, string $reason): array
    {
        return ['user_id' => $learner, 'points' => $points, 'reason' => $reason];
    }

    private static function only(array $answer, string ...$names): array
    {
        return array_intersect_key($answer, array_flip($names));
    }
}
