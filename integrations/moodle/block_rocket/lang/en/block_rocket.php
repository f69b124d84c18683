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

/**
 * What this block says, in English.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$string['anonymous'] = 'Anonymous';
$string['asof'] = 'As of {$a}. Newer points can\'t be fetched just now.';
$string['away'] = 'Your points can\'t be fetched just now. Nothing is lost: they will be here later.';
$string['badges'] = 'Badges';
$string['balance'] = 'points';
$string['blocktitle'] = 'Rocket points';
$string['cachedef_shown'] = 'What Rocket last said of points';
$string['courselearners'] = 'Points in this course';
$string['goal'] = 'This week';
$string['goalof'] = '{$a->week} of {$a->goal} points';
$string['goalreached'] = 'Goal reached!';
$string['kind_award'] = 'Points';
$string['kind_deduction'] = 'Spent';
$string['kind_expiry'] = 'Expired';
$string['kind_manual'] = 'Given by hand';
$string['kind_redemption'] = 'Reward';
$string['kind_reversal'] = 'Taken back';
$string['kind_transfer'] = 'Moved';
$string['latest'] = 'Latest points';
$string['leaderboard'] = 'Leaderboard of this course';
$string['learner'] = 'Learner';
$string['loading'] = 'Fetching your points…';
$string['moretimes'] = '{$a->left} more times, {$a->points} points each';
$string['nextrank'] = '{$a->rank} after {$a->weeks} weeks';
$string['nolearners'] = 'Nobody has points in this course yet.';
$string['nopoints'] = 'No points yet. What you do in your courses counts.';
$string['notset'] = 'Points aren\'t set up yet.';
$string['onemore'] = '{$a} points';
$string['place'] = 'Place';
$string['pluginname'] = 'Rocket points';
$string['points'] = 'Points';
$string['pointsleft'] = 'up to {$a} points';
$string['privacy:metadata'] = 'This block only shows what Rocket knows; it keeps nothing itself.';
$string['rank'] = 'Rank';
$string['rocket:addinstance'] = 'Add the block Rocket points to a course';
$string['rocket:myaddinstance'] = 'Add the block Rocket points to the dashboard';
$string['rocket:viewcourse'] = 'See the points of all learners of a course';
$string['somebody'] = 'Somebody else';
$string['streak'] = '{$a} weeks in a row';
$string['streakone'] = '1 week in a row';
$string['today'] = 'Still to be had today';
$string['undone'] = 'taken back';
$string['you'] = 'you';
$string['yourplace'] = 'Your place: {$a}';
