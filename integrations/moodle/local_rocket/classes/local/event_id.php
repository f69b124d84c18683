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

namespace local_rocket\local;

/**
 * The name by which Rocket knows an event for ever, so that it counts once however often it is sent.
 *
 * It is made of what Moodle keeps, so that an event that was seen live and the same one out of the history of
 * the site have one name.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class event_id {
    /** @var array Events of which one row of Moodle's tables makes exactly one. */
    const ONE_PER_OBJECT = [
        '\core\event\course_completed' => true,
        '\mod_quiz\event\attempt_submitted' => true,
        '\mod_forum\event\post_created' => true,
        '\mod_forum\event\discussion_created' => true,
    ];

    /** @var array Events that a row makes each time it changes, with the table whose timemodified tells them apart. */
    const ONE_PER_CHANGE = [
        '\core\event\course_module_completion_updated' => 'course_modules_completion',
        '\core\event\user_graded' => 'grade_grades',
        '\mod_assign\event\assessable_submitted' => 'assign_submission',
    ];

    /** @var string A log-in. */
    const LOGGED_IN = '\core\event\user_loggedin';

    /** @var string A changed completion; its state is part of its name, as it may change twice in a second. */
    const COMPLETION = '\core\event\course_module_completion_updated';

    /**
     * The name of an event; at most 255 characters, without blanks.
     *
     * @param array $data what core\event\base::get_data() answers
     * @param int $modified when the object changed, for the events of ONE_PER_CHANGE; 0 for when the event occurred
     * @return string
     */
    public static function of(array $data, int $modified = 0): string {
        $eventname = $data['eventname'];
        $name = self::short($eventname);
        $object = (string)($data['objectid'] ?? '');
        $other = $data['other'] ?? [];
        if ($object !== '' && isset(self::ONE_PER_OBJECT[$eventname])) {
            return "$name:$object";
        }
        if ($object !== '' && isset(self::ONE_PER_CHANGE[$eventname])) {
            $time = $modified ?: (int)$data['timecreated'];
            $state = $eventname === self::COMPLETION ? ':' . (int)($other['completionstate'] ?? 0) : '';
            return "$name:$object$state:$time";
        }
        if ($eventname === self::LOGGED_IN) {
            return "$name:{$data['userid']}:{$data['timecreated']}";
        }
        $content = json_encode([
            $object, $data['userid'] ?? 0, $data['relateduserid'] ?? 0, $data['contextid'] ?? 0, $other,
        ], JSON_PARTIAL_OUTPUT_ON_ERROR);
        return "$name:{$data['timecreated']}:" . substr(sha1($content), 0, 20);
    }

    /**
     * A short name of an event's type: quiz.attempt_submitted of \mod_quiz\event\attempt_submitted.
     *
     * @param string $eventname
     * @return string
     */
    private static function short(string $eventname): string {
        $parts = explode('\\', trim($eventname, '\\'));
        $component = preg_replace('/^mod_/', '', $parts[0]);
        return substr($component . '.' . end($parts), 0, 180);
    }
}
