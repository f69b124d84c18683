<?php
use local_rocket\local\body;
use PHPUnit\Framework\TestCase;

/** An event as it is kept and sent. */
final class BodyTest extends TestCase {
    /** An event with what learners wrote. */
    private static function kept(array $more = []): array {
        return body::kept([
            'eventname' => '\\mod_forum\\event\\post_created', 'userid' => 7, 'relateduserid' => null, 'courseid' => 3, 'anonymous' => 0,
            'timecreated' => 1772445600, 'other' => ['content' => 'secret', 'forumid' => 4, 'open' => true, 'shut' => false,
                'reset_options' => ['unenrol_users' => [5]]],
        ], ['event_id' => 'e1'] + $more);
    }

    /** What learners wrote stays in Moodle, and so does what has no value. */
    public function test_what_is_kept(): void {
        $kept = self::kept(['realuserid' => null, 'roles' => []]);
        $this->assertArrayNotHasKey('content', $kept['other']);
        $this->assertArrayNotHasKey('relateduserid', $kept);
        $this->assertArrayNotHasKey('realuserid', $kept);
        $this->assertSame(0, $kept['anonymous']);
    }

    /** Values are texts, lists are lists of texts, and nothing is sent of what isn't known. */
    public function test_what_is_sent(): void {
        $site = ['wwwroot' => 'https://m.example.org', 'plugin' => 'local_rocket 1'];
        $sent = body::sent(self::kept(['roles' => [5 => 'student'], 'excluded' => 'student']), $site,
            ['id' => 7, 'email' => ''], ['shortname' => 'c'], ['group_ids' => [11, 12], 'grade' => 8.5, 'cohort_ids' => [], 'score' => null]);
        $this->assertSame('e1', $sent['event_id']);
        $this->assertSame('1772445600', $sent['timecreated']);
        $this->assertSame(['5'], $sent['role_ids']);
        $this->assertSame(['student'], $sent['role_names']);
        $this->assertSame('student', $sent['excluded']);
        $this->assertSame(['11', '12'], $sent['group_ids']);
        $this->assertSame('8.5', $sent['grade']);
        $this->assertSame(['1', '0'], [$sent['other_open'], $sent['other_shut']]);
        $this->assertSame(['unenrol_users' => [5]], $sent['other_reset_options']);
        $this->assertSame('7', $sent['learner_id']);
        foreach (['id', 'learner_email', 'cohort_ids', 'score', 'other_content'] as $absent) {
            $this->assertArrayNotHasKey($absent, $sent);
        }
        $this->assertSame([], body::sent(self::kept(), $site, [], [], [])['role_ids'], 'no role is said as well');
    }

    /** The Event Trigger plugin's number is sent along where it has one. */
    public function test_the_other_plugins_number(): void {
        $site = ['wwwroot' => 'x', 'plugin' => 'y'];
        $this->assertSame('17', body::sent(self::kept(['number' => 17]), $site, [], [], [])['id']);
    }

    /** A grade in per cent, where there is one. */
    public function test_score(): void {
        $this->assertSame(66.67, body::score('2', '3'));
        $this->assertSame(0.0, body::score(0, 10));
        $this->assertNull(body::score(null, 10));
        $this->assertNull(body::score(5, 0));
    }
}
