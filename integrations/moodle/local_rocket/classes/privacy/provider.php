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

namespace local_rocket\privacy;

use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\contextlist;
use core_privacy\local\request\transform;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;
use local_rocket\queue;

/**
 * What this plugin keeps of people, and what it tells Rocket of them.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class provider implements
    \core_privacy\local\metadata\provider,
    \core_privacy\local\request\core_userlist_provider,
    \core_privacy\local\request\plugin\provider {
    /**
     * Describes it.
     *
     * @param collection $collection
     * @return collection
     */
    public static function get_metadata(collection $collection): collection {
        $collection->add_database_table(queue::TABLE, [
            'userid' => 'privacy:queue:userid',
            'actorid' => 'privacy:queue:actorid',
            'eventname' => 'privacy:queue:eventname',
            'payload' => 'privacy:queue:payload',
            'timecreated' => 'privacy:queue:timecreated',
        ], 'privacy:queue');
        $collection->add_external_location_link('rocket', [
            'userid' => 'privacy:rocket:userid',
            'name' => 'privacy:rocket:name',
            'events' => 'privacy:rocket:events',
            'grades' => 'privacy:rocket:grades',
            'groups' => 'privacy:rocket:groups',
        ], 'privacy:rocket');
        return $collection;
    }

    /**
     * The contexts in which there is something of a user: their own, while an event of theirs waits.
     *
     * @param int $userid
     * @return contextlist
     */
    public static function get_contexts_for_userid(int $userid): contextlist {
        $contextlist = new contextlist();
        $contextlist->add_from_sql(
            "SELECT ctx.id
               FROM {context} ctx
              WHERE ctx.contextlevel = :level AND ctx.instanceid = :userid
                AND EXISTS (SELECT 1 FROM {local_rocket_queue} q WHERE q.userid = :learner OR q.actorid = :actor)",
            ['level' => CONTEXT_USER, 'userid' => $userid, 'learner' => $userid, 'actor' => $userid]
        );
        return $contextlist;
    }

    /**
     * The users of whom there is something in a context.
     *
     * @param userlist $userlist
     */
    public static function get_users_in_context(userlist $userlist) {
        $context = $userlist->get_context();
        if ($context instanceof \context_user && self::has_rows((int)$context->instanceid)) {
            $userlist->add_user((int)$context->instanceid);
        }
    }

    /**
     * Gives a user what there is of them.
     *
     * @param approved_contextlist $contextlist
     */
    public static function export_user_data(approved_contextlist $contextlist) {
        global $DB;
        $userid = (int)$contextlist->get_user()->id;
        foreach ($contextlist->get_contexts() as $context) {
            if (!$context instanceof \context_user || (int)$context->instanceid !== $userid) {
                continue;
            }
            $rows = [];
            $found = $DB->get_recordset_select(queue::TABLE, 'userid = ? OR actorid = ?', [$userid, $userid], 'id');
            foreach ($found as $row) {
                $rows[] = [
                    'eventname' => $row->eventname,
                    'timecreated' => transform::datetime($row->timecreated),
                    'payload' => $row->payload,
                ];
            }
            $found->close();
            writer::with_context($context)->export_data([get_string('pluginname', 'local_rocket')], (object)['waiting' => $rows]);
        }
    }

    /**
     * Removes what there is of all users in a context.
     *
     * @param \context $context
     */
    public static function delete_data_for_all_users_in_context(\context $context) {
        if ($context instanceof \context_user) {
            self::delete((int)$context->instanceid);
        }
    }

    /**
     * Removes what there is of a user.
     *
     * @param approved_contextlist $contextlist
     */
    public static function delete_data_for_user(approved_contextlist $contextlist) {
        foreach ($contextlist->get_contexts() as $context) {
            self::delete_data_for_all_users_in_context($context);
        }
    }

    /**
     * Removes what there is of some users.
     *
     * @param approved_userlist $userlist
     */
    public static function delete_data_for_users(approved_userlist $userlist) {
        $context = $userlist->get_context();
        if ($context instanceof \context_user && in_array((int)$context->instanceid, $userlist->get_userids())) {
            self::delete((int)$context->instanceid);
        }
    }

    /**
     * Whether something of a user waits.
     *
     * @param int $userid
     * @return bool
     */
    private static function has_rows(int $userid): bool {
        global $DB;
        return $DB->record_exists_select(queue::TABLE, 'userid = ? OR actorid = ?', [$userid, $userid]);
    }

    /**
     * Removes a user's events; that they are to be anonymised in Rocket stays.
     *
     * @param int $userid
     */
    private static function delete(int $userid) {
        global $DB;
        $DB->delete_records_select(
            queue::TABLE,
            'kind = ? AND (userid = ? OR actorid = ?)',
            [queue::EVENT, $userid, $userid]
        );
    }
}
