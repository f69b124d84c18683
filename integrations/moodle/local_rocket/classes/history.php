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

/**
 * The past of this site as rows that Rocket imports, read in a stream from Moodle's own tables.
 *
 * An event that was also sent live has the same event_id in both, so it counts once.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class history {
    /** @var string[] Columns of the rows: Rocket's own nine, then what rules count by and ask for. */
    const COLUMNS = [
        'event', 'user_id', 'timestamp', 'course_id', 'lesson_id', 'progress_pct', 'time_on_task_sec', 'event_id', 'source',
        'object_id', 'attempt_id', 'quiz_id', 'module', 'score',
    ];

    /** @var string[] What there is, by the name that selects it: Rocket's event and Moodle's. */
    const KINDS = [
        'courses' => ['course.completed', '\core\event\course_completed'],
        'completions' => ['lesson.completed', event_id::COMPLETION],
        'quizzes' => ['quiz.completed', '\mod_quiz\event\attempt_submitted'],
        'grades' => ['grade.received', '\core\event\user_graded'],
        'submissions' => ['assignment.submitted', '\mod_assign\event\assessable_submitted'],
        'posts' => ['forum.posted', '\mod_forum\event\post_created'],
        'discussions' => ['forum.discussion_started', '\mod_forum\event\discussion_created'],
        'logins' => ['user.logged_in', event_id::LOGGED_IN],
    ];

    /** @var int The only course that is wanted; 0 for all. */
    private $courseid;

    /** @var int From this time on. */
    private $since;

    /** @var int Before this time. */
    private $until;

    /** @var string The name of the source in Rocket. */
    private $source;

    /** @var int[] Roles that earn nothing. */
    private $excludedroles;

    /** @var bool[] Whether somebody is staff, by user and course. */
    private $staff = [];

    /**
     * The history of one course or of all, between two times.
     *
     * @param int $courseid 0 for all
     * @param int $since
     * @param int $until
     */
    public function __construct(int $courseid = 0, int $since = 0, int $until = PHP_INT_MAX) {
        $this->courseid = $courseid;
        $this->since = $since;
        $this->until = min($until, 9999999999);
        $this->source = catalogue::source_name();
        $this->excludedroles = settings::get()->excludedroles;
    }

    /**
     * The rows of one kind, each with the values of COLUMNS.
     *
     * @param string $kind a key of KINDS
     * @return \Generator
     */
    public function rows(string $kind): \Generator {
        global $DB;
        [$event, $eventname] = self::KINDS[$kind];
        [$sql, $params] = $this->sql($kind);
        if ($sql === '') {
            return;
        }
        $found = $DB->get_recordset_sql($sql, $params);
        foreach ($found as $row) {
            if ($this->is_staff((int)$row->userid, (int)$row->courseid)) {
                continue;
            }
            yield [
                $event,
                "{$this->source}:{$row->userid}",
                $row->occurred,
                (int)$row->courseid > SITEID ? $row->courseid : '',
                $row->cmid ?? '',
                '',
                '',
                event_id::of([
                    'eventname' => $eventname,
                    'objectid' => $row->objectid,
                    'userid' => $row->userid,
                    'timecreated' => $row->occurred,
                    'other' => ['completionstate' => $row->state ?? 0],
                ], (int)$row->occurred),
                $this->source,
                $row->objectid,
                $kind === 'quizzes' ? $row->objectid : '',
                $kind === 'quizzes' ? $row->cmid : '',
                $row->module ?? '',
                isset($row->grade) ? body::score($row->grade, $row->grademax) ?? '' : '',
            ];
        }
        $found->close();
    }

    /**
     * The statement for a kind; its rows have objectid, userid, courseid and occurred, and may have more.
     *
     * @param string $kind
     * @return array the statement and its parameters; an empty statement where there is nothing to read
     */
    private function sql(string $kind): array {
        $module = function (string $name, string $instance): string {
            return "JOIN {modules} m ON m.name = '$name'
                    JOIN {course_modules} cm ON cm.module = m.id AND cm.instance = $instance";
        };
        switch ($kind) {
            case 'courses':
                return $this->where("SELECT t.id AS objectid, t.userid, t.course AS courseid, t.timecompleted AS occurred
                    FROM {course_completions} t", 't.timecompleted IS NOT NULL', 't.userid', 't.course', 't.timecompleted');
            case 'completions':
                return $this->where(
                    "SELECT t.id AS objectid, t.userid, cm.course AS courseid, t.timemodified AS occurred,
                           cm.id AS cmid, t.completionstate AS state
                    FROM {course_modules_completion} t
                    JOIN {course_modules} cm ON cm.id = t.coursemoduleid",
                    't.completionstate IN (1, 2)',
                    't.userid',
                    'cm.course',
                    't.timemodified'
                );
            case 'quizzes':
                return $this->where(
                    "SELECT t.id AS objectid, t.userid, q.course AS courseid, t.timefinish AS occurred,
                           cm.id AS cmid, 'quiz' AS module, t.sumgrades AS grade, q.sumgrades AS grademax
                    FROM {quiz_attempts} t
                    JOIN {quiz} q ON q.id = t.quiz " . $module('quiz', 'q.id'),
                    "t.state IN ('finished', 'submitted') AND t.preview = 0",
                    't.userid',
                    'q.course',
                    't.timefinish'
                );
            case 'grades':
                return $this->where(
                    "SELECT t.id AS objectid, t.userid, gi.courseid, t.timemodified AS occurred,
                           t.finalgrade AS grade, gi.grademax
                    FROM {grade_grades} t
                    JOIN {grade_items} gi ON gi.id = t.itemid",
                    't.finalgrade IS NOT NULL AND t.timemodified IS NOT NULL',
                    't.userid',
                    'gi.courseid',
                    't.timemodified'
                );
            case 'submissions':
                return $this->where(
                    "SELECT t.id AS objectid, t.userid, a.course AS courseid, t.timemodified AS occurred,
                           cm.id AS cmid, 'assign' AS module
                    FROM {assign_submission} t
                    JOIN {assign} a ON a.id = t.assignment " . $module('assign', 'a.id'),
                    "t.status = 'submitted'",
                    't.userid',
                    'a.course',
                    't.timemodified'
                );
            case 'posts':
                return $this->where(
                    "SELECT t.id AS objectid, t.userid, d.course AS courseid, t.created AS occurred,
                           cm.id AS cmid, 'forum' AS module
                    FROM {forum_posts} t
                    JOIN {forum_discussions} d ON d.id = t.discussion " . $module('forum', 'd.forum'),
                    't.parent <> 0',
                    't.userid',
                    'd.course',
                    't.created'
                );
            case 'discussions':
                return $this->where(
                    "SELECT d.id AS objectid, t.userid, d.course AS courseid, t.created AS occurred,
                           cm.id AS cmid, 'forum' AS module
                    FROM {forum_posts} t
                    JOIN {forum_discussions} d ON d.id = t.discussion " . $module('forum', 'd.forum'),
                    't.parent = 0',
                    't.userid',
                    'd.course',
                    't.created'
                );
            default:
                if ($this->courseid || !array_key_exists('standard', \core_component::get_plugin_list('logstore'))) {
                    return ['', []];
                }
                [$sql, $params] = $this->where("SELECT t.objectid, t.userid, 0 AS courseid, t.timecreated AS occurred
                    FROM {logstore_standard_log} t", 't.eventname = :eventname', 't.userid', 't.courseid', 't.timecreated');
                return [$sql, $params + ['eventname' => event_id::LOGGED_IN]];
        }
    }

    /**
     * The statement with its conditions: people who are there, the course and the times that are wanted.
     *
     * @param string $select
     * @param string $condition
     * @param string $user the column of the user's id
     * @param string $course the column of the course's id
     * @param string $time the column of the time
     * @return array the statement and its parameters
     */
    private function where(string $select, string $condition, string $user, string $course, string $time): array {
        global $CFG;
        $params = ['since' => $this->since, 'until' => $this->until, 'guest' => (int)$CFG->siteguest];
        $wanted = '';
        if ($this->courseid) {
            $wanted = "AND $course = :course";
            $params['course'] = $this->courseid;
        }
        return ["$select
                    JOIN {user} u ON u.id = $user AND u.deleted = 0 AND u.id <> :guest
                   WHERE $condition AND $time >= :since AND $time < :until $wanted
                ORDER BY $time, t.id", $params];
    }

    /**
     * Whether somebody earns nothing in a course, by their role there now.
     *
     * @param int $userid
     * @param int $courseid
     * @return bool
     */
    private function is_staff(int $userid, int $courseid): bool {
        $key = "$userid:$courseid";
        if (!isset($this->staff[$key])) {
            if (count($this->staff) > 20000) {
                $this->staff = [];
            }
            $context = $courseid ? \context_course::instance($courseid, IGNORE_MISSING) : \context_system::instance();
            $roles = roles::of($userid, $context);
            $this->staff[$key] = roles::excluded($userid, $roles, $this->excludedroles) !== null;
        }
        return $this->staff[$key];
    }
}
