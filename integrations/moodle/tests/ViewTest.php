<?php
use block_rocket\local\view;
use PHPUnit\Framework\TestCase;

/** What a learner is shown. */
final class ViewTest extends TestCase {
    /** Somebody whom Rocket doesn't know has nothing yet. */
    public function test_nobody_yet(): void {
        $view = view::learner(['balance' => [], 'rank' => [], 'ledger' => [], 'limits' => [], 'badges' => []], 'moodle:7');
        $this->assertSame([0, '', false, [], [], false], [$view['points'], $view['rank'], $view['hasgoal'], $view['latest'],
            $view['today'], $view['hasplace']]);
    }

    /** Points with their reasons: the rule's title, or what was written by hand. */
    public function test_latest(): void {
        $view = view::learner([
            'limits' => ['limits' => [['rule_id' => 'post', 'title' => 'Wrote']]],
            'ledger' => ['entries' => [
                ['points' => 5, 'rule_id' => 'post', 'kind' => 'award', 'occurred_at' => '2026-03-02T10:00:00Z'],
                ['points' => -5, 'rule_id' => 'post', 'kind' => 'reversal', 'reason' => 'withdrawn', 'created_at' => '2026-03-02T10:00:00Z'],
                ['points' => 20, 'rule_id' => null, 'kind' => 'manual', 'reason' => 'Well done'],
                ['points' => 1, 'rule_id' => 'gone', 'kind' => 'unheard', 'reason' => null], [], [], [],
            ]],
        ], 'moodle:7');
        $this->assertCount(5, $view['latest']);
        $this->assertSame(['+5', '−5', '+20', '+1', '0'], array_column($view['latest'], 'points'));
        $this->assertSame(['Wrote', 'Wrote', 'Well done', '', ''], array_column($view['latest'], 'title'));
        $this->assertSame([false, true, false, false, false], array_column($view['latest'], 'undone'));
        $this->assertSame('award', $view['latest'][3]['kind']);
        $this->assertSame(1772445600, $view['latest'][0]['time']);
    }

    /** The week's goal in per cent, never more than a hundred, also after points were taken back. */
    public function test_goal(): void {
        foreach ([[30, 60, false], [50, 100, true], [105, 100, true], [-5, 0, false]] as list($week, $percent, $reached)) {
            $view = view::learner(['rank' => ['weekly_goal' => 50, 'points_this_week' => $week, 'rank' => 'Pilot']], 'moodle:7');
            $this->assertSame([$percent, $reached], [$view['percent'], $view['reached']]);
        }
    }

    /** Still to be had today is what a daily limit has left; used up, other limits and keyed ones aren't it. */
    public function test_today(): void {
        $limit = ['rule_id' => 'a', 'title' => 'A', 'points' => 5, 'constraint' => 'max_per_day', 'key' => null, 'remaining' => 2];
        $view = view::learner(['limits' => ['limits' => [
            $limit, ['rule_id' => 'b', 'remaining' => 0] + $limit, ['rule_id' => 'c', 'constraint' => 'max_per_week'] + $limit,
            ['rule_id' => 'd', 'key' => ['course_id' => '1']] + $limit, ['rule_id' => 'e', 'constraint' => null] + $limit,
            ['rule_id' => 'f', 'constraint' => 'max_points_per_day', 'remaining' => 30] + $limit,
            ['rule_id' => 'g', 'points' => ['from' => 'score'], 'remaining' => 1] + $limit,
        ]]], 'moodle:7');
        $this->assertSame([[5, 2, true, false], ['', 30, false, true], ['', 1, false, false]], array_map(function($one) {
            return [$one['points'], $one['left'], $one['many'], $one['inpoints']];
        }, $view['today']));
    }

    /** Revoked and expired badges aren't shown; an image is one only with an address. */
    public function test_badges(): void {
        $view = view::learner(['badges' => ['badges' => [
            ['badge_id' => 'a', 'name' => 'A', 'image_url' => 'https://r.example.org/a.png'], ['name' => 'B', 'status' => 'revoked'],
            ['name' => 'C', 'revoked_at' => '2026-03-02'], ['badge_id' => 'd', 'image_url' => 'javascript:alert(1)'],
        ]]], 'moodle:7');
        $this->assertSame([['name' => 'A', 'image' => 'https://r.example.org/a.png'], ['name' => 'd', 'image' => '']], $view['badges']);
    }

    /** A leaderboard tells nobody's id who is anonymous there; one's own place is told where it isn't among the first. */
    public function test_leaders(): void {
        $board = ['standings' => [['rank' => 1, 'points' => 9, 'user_id' => 'moodle:3', 'anonymous' => false],
            ['rank' => 2, 'points' => 8, 'user_id' => 'moodle:4', 'anonymous' => true]]];
        $view = view::learner(['leaders' => $board, 'place' => ['standings' => [['rank' => 9, 'user_id' => 'moodle:7']]]], 'moodle:7');
        $this->assertSame(['moodle:3', ''], array_column($view['leaders'], 'user'));
        $this->assertSame([9, true], [$view['place'], $view['hasplace']]);
        $this->assertCount(1, view::leaders($board, '', true));
        $other = view::learner(['place' => ['standings' => [['rank' => 9, 'user_id' => 'moodle:8']]]], 'moodle:7');
        $this->assertFalse($other['hasplace']);
    }
}
