<?php
// This file is part of Moodle - https://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <https://www.gnu.org/licenses/>.

namespace block_rocket\local;

/**
 * What Rocket's answers mean for somebody who looks at the block.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class view {
    /** @var int Entries that are shown. */
    const LATEST = 5;

    /** @var int Badges that are shown. */
    const BADGES = 12;

    /** @var int Ways to points that are shown. */
    const TODAY = 5;

    /**
     * What a learner is shown.
     *
     * @param array[] $answers balance, rank, ledger, limits, badges, leaders and place, as decoded; empty where
     *        Rocket doesn't know the learner
     * @param string $me the learner's id in Rocket
     * @return array
     */
    public static function learner(array $answers, string $me): array {
        $rank = $answers['rank'] ?? [];
        $limits = $answers['limits']['limits'] ?? [];
        $goal = (int)($rank['weekly_goal'] ?? 0);
        $week = max(0, (int)($rank['points_this_week'] ?? 0));
        $place = 0;
        foreach ($answers['place']['standings'] ?? [] as $standing) {
            $place = ($standing['user_id'] ?? null) === $me ? (int)$standing['rank'] : $place;
        }
        $latest = self::latest($answers['ledger']['entries'] ?? [], $limits);
        $badges = self::badges($answers['badges']['badges'] ?? []);
        $today = self::today($limits);
        return [
            'points' => (int)($answers['balance']['points'] ?? 0),
            'rank' => (string)($rank['rank'] ?? ''),
            'nextrank' => (string)($rank['next_rank']['name'] ?? ''),
            'nextweeks' => (int)($rank['next_rank']['weeks'] ?? 0),
            'streak' => (int)($rank['streak_weeks'] ?? 0),
            'onestreak' => (int)($rank['streak_weeks'] ?? 0) === 1,
            'hasgoal' => $goal > 0,
            'goal' => $goal,
            'week' => $week,
            'percent' => $goal > 0 ? min(100, intdiv(100 * $week, $goal)) : 0,
            'reached' => $goal > 0 && $week >= $goal,
            'latest' => $latest,
            'haslatest' => (bool)$latest,
            'badges' => $badges,
            'hasbadges' => (bool)$badges,
            'today' => $today,
            'hastoday' => (bool)$today,
            'leaders' => self::leaders($answers['leaders'] ?? null, $me, false),
            'place' => $place,
            'hasplace' => $place > self::LATEST,
        ];
    }

    /**
     * The latest points, each with the reason for it; an empty title where there is none.
     *
     * @param array[] $entries
     * @param array[] $limits which name the rules
     * @return array[]
     */
    private static function latest(array $entries, array $limits): array {
        $titles = array_column($limits, 'title', 'rule_id');
        $kinds = ['award', 'manual', 'deduction', 'reversal', 'transfer', 'redemption', 'expiry'];
        $latest = [];
        foreach (array_slice($entries, 0, self::LATEST) as $entry) {
            $points = (int)($entry['points'] ?? 0);
            $kind = in_array($entry['kind'] ?? '', $kinds, true) ? $entry['kind'] : 'award';
            $title = $titles[$entry['rule_id'] ?? ''] ?? '';
            $latest[] = [
                'points' => ($points > 0 ? '+' : ($points < 0 ? '−' : '')) . abs($points),
                'gain' => $points > 0,
                'title' => (string)($title !== '' ? $title : ($entry['reason'] ?? '')),
                'undone' => $kind === 'reversal',
                'kind' => $kind,
                'time' => strtotime((string)($entry['occurred_at'] ?? $entry['created_at'] ?? '')) ?: 0,
            ];
        }
        return $latest;
    }

    /**
     * Badges that hold.
     *
     * @param array[] $badges
     * @return array[]
     */
    private static function badges(array $badges): array {
        $shown = [];
        foreach ($badges as $badge) {
            $status = $badge['status'] ?? 'awarded';
            if (!empty($badge['revoked_at']) || in_array($status, ['revoked', 'expired'], true)) {
                continue;
            }
            $image = (string)($badge['image_url'] ?? $badge['image'] ?? '');
            $shown[] = [
                'name' => (string)($badge['name'] ?? $badge['badge_id'] ?? ''),
                'image' => preg_match('~^https?://~', $image) ? $image : '',
            ];
        }
        return array_slice($shown, 0, self::BADGES);
    }

    /**
     * What is still to be had today: rules that give only so often a day and have something left.
     *
     * @param array[] $limits
     * @return array[]
     */
    private static function today(array $limits): array {
        $today = [];
        foreach ($limits as $limit) {
            $left = (int)($limit['remaining'] ?? 0);
            $isdaily = in_array($limit['constraint'] ?? null, ['max_per_day', 'max_points_per_day'], true);
            if (!$isdaily || $left <= 0 || !empty($limit['key'])) {
                continue;
            }
            $inpoints = $limit['constraint'] === 'max_points_per_day';
            $today[$limit['rule_id'] ?? ''] = [
                'title' => (string)($limit['title'] ?? ''),
                'points' => is_int($limit['points'] ?? null) && !$inpoints ? $limit['points'] : '',
                'left' => $left,
                'many' => !$inpoints && $left > 1,
                'inpoints' => $inpoints,
            ];
        }
        return array_slice(array_values($today), 0, self::TODAY);
    }

    /**
     * Places of a leaderboard; names are filled in later, by who looks.
     *
     * @param array|null $board
     * @param string $me
     * @param bool $all whether anonymous ones are left out, as for a teacher's list
     * @return array[]
     */
    public static function leaders(?array $board, string $me, bool $all): array {
        $places = [];
        foreach ($board['standings'] ?? [] as $standing) {
            $anonymous = !empty($standing['anonymous']);
            if ($all && $anonymous) {
                continue;
            }
            $places[] = [
                'rank' => (int)($standing['rank'] ?? 0),
                'points' => (int)($standing['points'] ?? 0),
                'user' => $anonymous ? '' : (string)($standing['user_id'] ?? ''),
                'anonymous' => $anonymous,
            ];
        }
        return $places;
    }
}
