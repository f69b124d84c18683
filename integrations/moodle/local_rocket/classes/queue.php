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

/**
 * Events that wait to be sent, in the order in which they happened, and those that Rocket refused.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class queue {
    /** @var string The table. */
    const TABLE = 'local_rocket_queue';

    /** @var int An event. */
    const EVENT = 0;

    /** @var int A person to anonymise. */
    const ERASURE = 1;

    /** @var int Every so many events it is looked at how many wait. */
    const COUNT_EVERY = 500;

    /**
     * Adds an event.
     *
     * @param array $payload what local\body::kept() made
     * @param int $learnerid 0 for nobody
     */
    public static function add(array $payload, int $learnerid) {
        global $DB;
        $id = $DB->insert_record(self::TABLE, (object)[
            'kind' => self::EVENT,
            'userid' => $learnerid,
            'actorid' => max(0, (int)($payload['userid'] ?? 0)),
            'eventname' => $payload['eventname'],
            'payload' => json_encode($payload, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR),
            'timecreated' => (int)$payload['timecreated'],
        ]);
        if ($id % self::COUNT_EVERY === 0) {
            self::look_whether_full();
        }
    }

    /**
     * How many events of one second wait that would have the same name.
     *
     * @param int $learnerid
     * @param string $eventname
     * @param int $time
     * @param string $eventid
     * @return int
     */
    public static function count_same(int $learnerid, string $eventname, int $time, string $eventid): int {
        global $DB;
        $found = ['userid' => $learnerid, 'eventname' => $eventname, 'timecreated' => $time];
        $count = 0;
        foreach (
            $DB->get_fieldset_select(self::TABLE, 'payload', 'userid = :userid AND eventname = :eventname
                AND timecreated = :timecreated', $found) as $payload
        ) {
            $known = json_decode((string)$payload, true)['event_id'] ?? '';
            $count += $known === $eventid || strpos($known, "$eventid:again") === 0 ? 1 : 0;
        }
        return $count;
    }

    /**
     * Adds a person who was deleted and is to be anonymised, after all that waits about them.
     *
     * @param int $userid
     * @param int $time
     */
    public static function add_erasure(int $userid, int $time) {
        global $DB;
        $DB->insert_record(self::TABLE, (object)[
            'kind' => self::ERASURE,
            'userid' => $userid,
            'eventname' => recorder::USER_DELETED,
            'timecreated' => $time,
        ]);
    }

    /**
     * The next ones that are to be sent.
     *
     * @param int $most
     * @return \stdClass[] by id
     */
    public static function next(int $most): array {
        global $DB;
        return $DB->get_records(self::TABLE, ['refused' => 0], 'id', '*', 0, $most);
    }

    /**
     * Removes what was taken.
     *
     * @param int[] $ids
     */
    public static function remove(array $ids) {
        global $DB;
        if ($ids) {
            $DB->delete_records_list(self::TABLE, 'id', $ids);
        }
    }

    /**
     * Puts one aside that would be refused again.
     *
     * @param int $id
     * @param string $reason
     */
    public static function refuse(int $id, string $reason) {
        global $DB;
        $DB->update_record(self::TABLE, (object)[
            'id' => $id, 'refused' => 1, 'reason' => \core_text::substr($reason, 0, 2000),
        ]);
    }

    /**
     * Lets those that were refused wait once more.
     */
    public static function retry_refused() {
        global $DB;
        $DB->set_field(self::TABLE, 'refused', 0, ['refused' => 1]);
    }

    /**
     * Removes those that were refused.
     */
    public static function discard_refused() {
        global $DB;
        $DB->delete_records(self::TABLE, ['refused' => 1]);
        self::look_whether_full();
    }

    /**
     * Says whether there is room, and since when there isn't any.
     */
    public static function look_whether_full() {
        global $DB;
        $settings = settings::get();
        $isfull = $DB->count_records(self::TABLE) >= $settings->maxqueue;
        if ($isfull !== $settings->is_full()) {
            set_config('fullsince', $isfull ? time() : 0, 'local_rocket');
        }
    }
}
