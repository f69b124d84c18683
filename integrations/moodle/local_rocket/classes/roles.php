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
 * Which roles somebody has where an event occurred, and whether one of them makes them staff.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class roles {
    /**
     * Short names by id of the roles of a user in a context and above it. Outside of courses nobody is a learner
     * or a teacher by role, so there it is every role that the user has anywhere.
     *
     * @param int $userid
     * @param \context|false $context as the event has it; false where it was removed
     * @return string[]
     */
    public static function of(int $userid, $context): array {
        global $DB;
        $coursecontext = $context ? $context->get_course_context(false) : false;
        $where = '';
        $params = ['userid' => $userid];
        if ($coursecontext) {
            [$insql, $inparams] = $DB->get_in_or_equal($context->get_parent_context_ids(true), SQL_PARAMS_NAMED);
            $where = "AND ra.contextid $insql";
            $params += $inparams;
        }
        $sql = "SELECT DISTINCT r.id, r.shortname
                  FROM {role_assignments} ra
                  JOIN {role} r ON r.id = ra.roleid
                 WHERE ra.userid = :userid $where
              ORDER BY r.id";
        return $DB->get_records_sql_menu($sql, $params);
    }

    /**
     * Why somebody with these roles earns nothing; null where they may.
     *
     * @param int $userid
     * @param string[] $roles short names by id
     * @param int[] $excludedroles ids
     * @return string|null the short name of a role, or siteadmin
     */
    public static function excluded(int $userid, array $roles, array $excludedroles): ?string {
        if (is_siteadmin($userid)) {
            return 'siteadmin';
        }
        $found = array_intersect_key($roles, array_flip($excludedroles));
        return $found ? reset($found) : null;
    }

    /**
     * The roles that are excluded from the start: those that can change a course.
     *
     * @return int[] ids
     */
    public static function default_excluded(): array {
        return array_map('intval', array_keys(get_roles_with_capability('moodle/course:update', CAP_ALLOW)));
    }
}
