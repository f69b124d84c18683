<?php
use local_rocket\local\event_id;
use PHPUnit\Framework\TestCase;

/** Names by which events are known for ever. */
final class EventIdTest extends TestCase {
    /** An event as Moodle has it. */
    private static function event(string $name, array $more = []): array {
        return $more + ['eventname' => $name, 'objectid' => 5, 'userid' => 7, 'relateduserid' => null, 'contextid' => 9,
            'timecreated' => 1772445600, 'other' => null];
    }

    /** What a row makes exactly one of is named by the row, whenever it is looked at. */
    public function test_one_per_row(): void {
        $name = '\\mod_quiz\\event\\attempt_submitted';
        $this->assertSame('quiz.attempt_submitted:5', event_id::of(self::event($name)));
        $this->assertSame('quiz.attempt_submitted:5', event_id::of(self::event($name, ['timecreated' => 1, 'userid' => 8])));
    }

    /** What a row makes each time it changes is named by the time of the change, as the history has it. */
    public function test_one_per_change(): void {
        $live = self::event(event_id::COMPLETION, ['other' => ['completionstate' => 1]]);
        $this->assertSame('core.course_module_completion_updated:5:1:1772445599', event_id::of($live, 1772445599));
        $this->assertSame('core.course_module_completion_updated:5:1:1772445600', event_id::of($live));
        $undone = self::event(event_id::COMPLETION, ['other' => ['completionstate' => 0]]);
        $this->assertNotSame(event_id::of($live), event_id::of($undone));
    }

    /** A log-in is named by who and when. */
    public function test_a_login(): void {
        $this->assertSame('core.user_loggedin:7:1772445600', event_id::of(self::event(event_id::LOGGED_IN, ['other' => ['username' => 'ada']])));
    }

    /** All others are told apart by what they say. */
    public function test_others(): void {
        $name = '\\mod_page\\event\\course_module_viewed';
        $first = event_id::of(self::event($name));
        $this->assertSame($first, event_id::of(self::event($name)));
        foreach ([['userid' => 8], ['contextid' => 10], ['objectid' => 6], ['timecreated' => 1772445601], ['relateduserid' => 3],
                ['other' => ['a' => 'b']]] as $different) {
            $this->assertNotSame($first, event_id::of(self::event($name, $different)));
        }
        $this->assertLessThanOrEqual(255, strlen(event_id::of(self::event('\\' . str_repeat('x', 200) . '\\event\\' . str_repeat('y', 200)))));
    }
}
