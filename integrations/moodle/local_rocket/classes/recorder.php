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

namespace local_rocket;

use local_rocket\local\body;
use local_rocket\local\event_id;
use local_rocket\local\learner;

/**
 * Puts events into the queue, in the transaction of whatever made them.
 *
 * This runs while somebody waits for a page, so it asks the database for what may be another thing a minute
 * later (the roles), and leaves everything else to the task that sends.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class recorder {
    /** @var string The event that tells of a deleted user. */
    const USER_DELETED = '\core\event\user_deleted';

    /**
     * Keeps the event, if it is one of those that are sent.
     *
     * @param \core\event\base $event
     */
    public static function record(\core\event\base $event) {
        $settings = settings::get();
        if (!$settings->is_connected()) {
            return;
        }
        if ($event->eventname === self::USER_DELETED && $settings->anonymise) {
            queue::add_erasure((int)$event->objectid, (int)$event->timecreated);
        }
        $learners = catalogue::learners();
        if (!isset($learners[$event->eventname]) || isset($settings->notsent[$event->eventname]) || $event->anonymous) {
            return;
        }
        $data = $event->get_data();
        $learnerid = learner::of($data, $learners[$event->eventname]);
        if ($learners[$event->eventname] !== learner::NOBODY && ($learnerid === 0 || isguestuser($learnerid))) {
            return;
        }
        if ($settings->is_full()) {
            return;
        }
        queue::add(self::payload($event, $data, $learnerid, $settings), $learnerid);
        if ($settings->sendsoon && !$settings->paused && $settings->nextattempt <= time()) {
            task\send_now::ask();
        }
    }

    /**
     * What is kept of an event.
     *
     * @param \core\event\base $event
     * @param array $data
     * @param int $learnerid
     * @param settings $settings
     * @return array
     */
    private static function payload(\core\event\base $event, array $data, int $learnerid, settings $settings): array {
        global $PAGE, $USER;
        $roles = $learnerid ? roles::of($learnerid, $event->get_context()) : [];
        $eventid = event_id::of($data, self::modified($event));
        if ($event->eventname === event_id::COMPLETION) {
            // Done, undone and done again within a second are three events.
            $same = queue::count_same($learnerid, $data['eventname'], (int)$data['timecreated'], $eventid);
            $eventid .= $same ? ":again$same" : '';
        }
        return body::kept($data, [
            'event_id' => $eventid,
            'number' => self::trigger_number($data),
            'origin' => $PAGE->requestorigin,
            'realuserid' => \core\session\manager::is_loggedinas() ? $USER->realuser : null,
            'roles' => $roles,
            'excluded' => $learnerid ? roles::excluded($learnerid, $roles, $settings->excludedroles) : null,
        ]);
    }

    /**
     * When the row that an event is about changed; 0 where that isn't needed.
     *
     * @param \core\event\base $event
     * @return int
     */
    private static function modified(\core\event\base $event): int {
        $table = event_id::ONE_PER_CHANGE[$event->eventname] ?? null;
        if ($table === null || !$event->objectid) {
            return 0;
        }
        $row = $event->get_record_snapshot($table, $event->objectid);
        return $row ? (int)($row->timemodified ?? 0) : 0;
    }

    /**
     * The number that the Event Trigger plugin has just given the same event; null where it isn't installed or
     * has no workflow for it. With that number Rocket knows the two for one.
     *
     * @param array $data
     * @return int|null
     */
    private static function trigger_number(array $data): ?int {
        global $DB;
        if (!get_config('tool_trigger', 'version')) {
            return null;
        }
        $sql = "SELECT MAX(id)
                  FROM {tool_trigger_events}
                 WHERE timecreated = :timecreated AND eventname = :eventname AND userid = :userid
                   AND contextid = :contextid AND COALESCE(objectid, 0) = :objectid
                   AND COALESCE(relateduserid, 0) = :relateduserid";
        $number = $DB->get_field_sql($sql, [
            'timecreated' => $data['timecreated'],
            'eventname' => $data['eventname'],
            'userid' => $data['userid'],
            'contextid' => $data['contextid'],
            'objectid' => (int)$data['objectid'],
            'relateduserid' => (int)$data['relateduserid'],
        ]);
        return $number ? (int)$number : null;
    }
}
