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

/**
 * Adds to a batch of events what their learners, courses and activities are now: in sets, a few statements for all.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class enricher {
    /** @var settings What may be told. */
    private $settings;

    /**
     * An enricher for these settings.
     *
     * @param settings $settings
     */
    public function __construct(settings $settings) {
        $this->settings = $settings;
    }

    /**
     * The bodies of these rows, in their order.
     *
     * @param \stdClass[] $rows of the queue
     * @return array[]
     */
    public function bodies(array $rows): array {
        global $CFG, $SITE;
        $events = [];
        foreach ($rows as $row) {
            $kept = json_decode((string)$row->payload, true);
            $events[] = (is_array($kept) ? $kept : ['eventname' => $row->eventname, 'event_id' => 'unreadable:' . $row->id])
                + ['learner' => (int)$row->userid];
        }
        $users = $this->users(array_column($events, 'learner'));
        $courses = $this->courses(array_filter(array_map(function ($event) use ($SITE) {
            $id = (int)($event['courseid'] ?? 0);
            return $id !== (int)$SITE->id ? $id : 0;
        }, $events)));
        $groups = $this->groups(array_keys($users), array_keys($courses));
        $cohorts = $this->cohorts(array_keys($users));
        $modules = $this->modules($events);
        $completions = $this->completions(array_keys($users), array_keys($modules));
        $grades = $this->settings->sendgrades ? $this->grades(array_keys($users), $modules) : [];
        $attempts = $this->settings->sendgrades ? $this->attempts($events) : [];
        $site = ['wwwroot' => $CFG->wwwroot, 'plugin' => 'local_rocket ' . get_config('local_rocket', 'version')];

        $bodies = [];
        foreach ($rows as $place => $row) {
            $event = $events[$place];
            $userid = $event['learner'];
            $course = $courses[(int)($event['courseid'] ?? 0)] ?? null;
            $cmid = (int)($event['contextlevel'] ?? 0) === CONTEXT_MODULE ? (int)$event['contextinstanceid'] : 0;
            $grade = $attempts[$place] ?? $this->gradebook($event) ?? $grades["$userid:$cmid"] ?? null;
            if (!$this->settings->sendgrades) {
                unset($event['other']['finalgrade']);
                $grade = null;
            }
            $bodies[] = body::sent($event, $site, $this->learner($users[$userid] ?? null), $this->course($course), [
                'sequence' => $row->id,
                'category_ids' => $course ? array_filter(explode('/', (string)$course->path)) : null,
                'group_ids' => $course ? ($groups["$userid:{$course->id}"] ?? null) : null,
                'cohort_ids' => $cohorts[$userid] ?? null,
                'completion_state' => $cmid ? ($completions["$userid:$cmid"] ?? null) : null,
                'grade' => $grade[0] ?? null,
                'grademax' => $grade[1] ?? null,
                'score' => $grade ? body::score($grade[0], $grade[1]) : null,
            ]);
        }
        return $bodies;
    }

    /**
     * What is told of a learner.
     *
     * @param \stdClass|null $user
     * @return array
     */
    private function learner(?\stdClass $user): array {
        if (!$user || $user->deleted) {
            return [];
        }
        $told = ['id' => $user->id, 'suspended' => $user->suspended ? '1' : '0'];
        if ($this->settings->sendpersonal) {
            $told += ['email' => $user->email, 'idnumber' => $user->idnumber, 'fullname' => fullname($user)];
        }
        return $told;
    }

    /**
     * What is told of a course.
     *
     * @param \stdClass|null $course
     * @return array
     */
    private function course(?\stdClass $course): array {
        return $course ? [
            'shortname' => $course->shortname,
            'idnumber' => $course->idnumber,
            'fullname' => $course->fullname,
            'category' => $course->category,
            'visible' => $course->visible ? '1' : '0',
        ] : [];
    }

    /**
     * Users by id.
     *
     * @param int[] $ids
     * @return \stdClass[]
     */
    private function users(array $ids): array {
        global $DB;
        return $DB->get_records_list('user', 'id', array_filter(array_unique($ids)));
    }

    /**
     * Courses by id, with the path of their category.
     *
     * @param int[] $ids
     * @return \stdClass[]
     */
    private function courses(array $ids): array {
        global $DB;
        if (!$ids) {
            return [];
        }
        [$insql, $params] = $DB->get_in_or_equal(array_unique($ids));
        $sql = "SELECT c.id, c.shortname, c.idnumber, c.fullname, c.category, c.visible, cc.path
                  FROM {course} c
             LEFT JOIN {course_categories} cc ON cc.id = c.category
                 WHERE c.id $insql";
        return $DB->get_records_sql($sql, $params);
    }

    /**
     * Ids of groups by user and course.
     *
     * @param int[] $userids
     * @param int[] $courseids
     * @return array[]
     */
    private function groups(array $userids, array $courseids): array {
        global $DB;
        if (!$userids || !$courseids) {
            return [];
        }
        [$usersql, $userparams] = $DB->get_in_or_equal($userids, SQL_PARAMS_NAMED, 'u');
        [$coursesql, $courseparams] = $DB->get_in_or_equal($courseids, SQL_PARAMS_NAMED, 'c');
        $sql = "SELECT gm.id, gm.userid, gm.groupid, g.courseid
                  FROM {groups_members} gm
                  JOIN {groups} g ON g.id = gm.groupid
                 WHERE gm.userid $usersql AND g.courseid $coursesql
              ORDER BY gm.groupid";
        $groups = [];
        foreach ($DB->get_records_sql($sql, $userparams + $courseparams) as $member) {
            $groups["{$member->userid}:{$member->courseid}"][] = $member->groupid;
        }
        return $groups;
    }

    /**
     * Ids of cohorts by user.
     *
     * @param int[] $userids
     * @return array[]
     */
    private function cohorts(array $userids): array {
        global $DB;
        $cohorts = [];
        foreach ($DB->get_records_list('cohort_members', 'userid', $userids, 'cohortid', 'id, userid, cohortid') as $member) {
            $cohorts[$member->userid][] = $member->cohortid;
        }
        return $cohorts;
    }

    /**
     * The activities in which events happened, by the course module's id.
     *
     * @param array[] $events
     * @return \stdClass[]
     */
    private function modules(array $events): array {
        global $DB;
        $ids = [];
        foreach ($events as $event) {
            if ((int)($event['contextlevel'] ?? 0) === CONTEXT_MODULE) {
                $ids[(int)$event['contextinstanceid']] = true;
            }
        }
        if (!$ids) {
            return [];
        }
        [$insql, $params] = $DB->get_in_or_equal(array_keys($ids));
        $sql = "SELECT cm.id, cm.instance, m.name
                  FROM {course_modules} cm
                  JOIN {modules} m ON m.id = cm.module
                 WHERE cm.id $insql";
        return $DB->get_records_sql($sql, $params);
    }

    /**
     * States of completion by user and course module.
     *
     * @param int[] $userids
     * @param int[] $cmids
     * @return string[]
     */
    private function completions(array $userids, array $cmids): array {
        global $DB;
        if (!$userids || !$cmids) {
            return [];
        }
        [$usersql, $userparams] = $DB->get_in_or_equal($userids, SQL_PARAMS_NAMED, 'u');
        [$cmsql, $cmparams] = $DB->get_in_or_equal($cmids, SQL_PARAMS_NAMED, 'c');
        $rows = $DB->get_records_select(
            'course_modules_completion',
            "userid $usersql AND coursemoduleid $cmsql",
            $userparams + $cmparams,
            '',
            'id, userid, coursemoduleid, completionstate'
        );
        $states = [];
        foreach ($rows as $row) {
            $states["{$row->userid}:{$row->coursemoduleid}"] = $row->completionstate;
        }
        return $states;
    }

    /**
     * Grades by user and course module: pairs of the grade and the most that could be had.
     *
     * @param int[] $userids
     * @param \stdClass[] $modules
     * @return array[]
     */
    private function grades(array $userids, array $modules): array {
        global $DB;
        if (!$userids || !$modules) {
            return [];
        }
        [$usersql, $userparams] = $DB->get_in_or_equal($userids, SQL_PARAMS_NAMED, 'u');
        [$cmsql, $cmparams] = $DB->get_in_or_equal(array_keys($modules), SQL_PARAMS_NAMED, 'c');
        $sql = "SELECT gg.id, gg.userid, cm.id AS cmid, gg.finalgrade, gi.grademax
                  FROM {course_modules} cm
                  JOIN {modules} m ON m.id = cm.module
                  JOIN {grade_items} gi ON gi.itemtype = 'mod' AND gi.itemmodule = m.name
                                       AND gi.iteminstance = cm.instance AND gi.itemnumber = 0
                  JOIN {grade_grades} gg ON gg.itemid = gi.id
                 WHERE gg.userid $usersql AND cm.id $cmsql AND gg.finalgrade IS NOT NULL";
        $grades = [];
        foreach ($DB->get_records_sql($sql, $userparams + $cmparams) as $row) {
            $grades["{$row->userid}:{$row->cmid}"] = [(float)$row->finalgrade, (float)$row->grademax];
        }
        return $grades;
    }

    /**
     * Grades of the quiz attempts that events are about, by the event's place: an attempt's own, not the quiz's.
     *
     * @param array[] $events
     * @return array[]
     */
    private function attempts(array $events): array {
        global $DB;
        $ids = [];
        foreach ($events as $place => $event) {
            if (($event['objecttable'] ?? '') === 'quiz_attempts') {
                $ids[$place] = (int)$event['objectid'];
            }
        }
        if (!$ids) {
            return [];
        }
        [$insql, $params] = $DB->get_in_or_equal(array_values(array_unique($ids)));
        $sql = "SELECT qa.id, qa.sumgrades, q.sumgrades AS summax, q.grade
                  FROM {quiz_attempts} qa
                  JOIN {quiz} q ON q.id = qa.quiz
                 WHERE qa.id $insql";
        $rows = $DB->get_records_sql($sql, $params);
        $grades = [];
        foreach ($ids as $place => $id) {
            $row = $rows[$id] ?? null;
            if ($row && $row->sumgrades !== null && (float)$row->summax > 0) {
                $grades[$place] = [
                    round((float)$row->sumgrades / (float)$row->summax * (float)$row->grade, 5), (float)$row->grade,
                ];
            }
        }
        return $grades;
    }

    /**
     * The grade that an event of the gradebook is about; null for other events.
     *
     * @param array $event
     * @return array|null
     */
    private function gradebook(array $event): ?array {
        global $DB;
        if (($event['objecttable'] ?? '') !== 'grade_grades' || !isset($event['other']['finalgrade'])) {
            return null;
        }
        $max = $DB->get_field('grade_items', 'grademax', ['id' => (int)($event['other']['itemid'] ?? 0)]);
        return $max === false ? null : [(float)$event['other']['finalgrade'], (float)$max];
    }
}
