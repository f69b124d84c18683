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
 * One event as it is sent: Moodle's own fields, and what Rocket couldn't know without being told.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class body {
    /** @var string[] Fields of every Moodle event that are sent. */
    const FIELDS = [
        'eventname', 'component', 'action', 'target', 'crud', 'edulevel', 'objecttable', 'objectid', 'contextid',
        'contextlevel', 'contextinstanceid', 'userid', 'relateduserid', 'courseid', 'anonymous', 'timecreated',
    ];

    /** @var string[] Parts of an event's "other" that stay here: what learners wrote, and secrets. */
    const LEFT_OUT = ['content', 'newcontent', 'pathnamehashes', 'sessionid', 'username'];

    /**
     * What is kept of an event in the queue.
     *
     * @param array $data what core\event\base::get_data() answers
     * @param array $more further fields: origin, realuserid, modified, number, roles, excluded
     * @return array
     */
    public static function kept(array $data, array $more): array {
        $kept = [];
        foreach (self::FIELDS as $field) {
            if (isset($data[$field]) && $data[$field] !== '') {
                $kept[$field] = $data[$field];
            }
        }
        $other = array_diff_key(is_array($data['other'] ?? null) ? $data['other'] : [], array_flip(self::LEFT_OUT));
        if ($other) {
            $kept['other'] = $other;
        }
        return $kept + array_filter($more, function ($value) {
            return $value !== null && $value !== '' && $value !== [];
        });
    }

    /**
     * The JSON object that is sent, as an array.
     *
     * @param array $kept what kept() made
     * @param array $site wwwroot, and plugin: this plugin's release
     * @param array $learner id, email, idnumber, fullname, suspended, as far as they may be told
     * @param array $course shortname, idnumber, fullname, category, visible
     * @param array $more lists and values that the webhook can't have: see the enricher
     * @return array
     */
    public static function sent(array $kept, array $site, array $learner, array $course, array $more): array {
        $sent = ['plugin' => $site['plugin'], 'event_id' => $kept['event_id']];
        if (!empty($kept['number'])) {
            // The number of the Event Trigger plugin, which saw the event too: so it counts once.
            $sent['id'] = (string)$kept['number'];
        }
        foreach (array_merge(self::FIELDS, ['origin', 'realuserid', 'excluded']) as $field) {
            if (isset($kept[$field])) {
                $sent[$field] = (string)$kept[$field];
            }
        }
        $sent['wwwroot'] = $site['wwwroot'];
        foreach ($kept['other'] ?? [] as $name => $value) {
            $sent["other_$name"] = is_bool($value) ? ($value ? '1' : '0') : (is_array($value) ? $value : (string)$value);
        }
        foreach (['learner' => $learner, 'course' => $course] as $prefix => $fields) {
            foreach ($fields as $name => $value) {
                if ($value !== null && $value !== '') {
                    $sent["{$prefix}_$name"] = (string)$value;
                }
            }
        }
        $roles = $kept['roles'] ?? [];
        $sent['role_ids'] = array_map('strval', array_keys($roles));
        $sent['role_names'] = array_values($roles);
        foreach ($more as $name => $value) {
            if ($value !== null && $value !== []) {
                $sent[$name] = is_array($value) ? array_map('strval', array_values($value)) : (string)$value;
            }
        }
        return $sent;
    }

    /**
     * A grade in per cent; null where there is none.
     *
     * @param float|string|null $grade
     * @param float|string|null $grademax
     * @return float|null
     */
    public static function score($grade, $grademax) {
        if ($grade === null || $grade === '' || (float)$grademax <= 0) {
            return null;
        }
        return round(100 * (float)$grade / (float)$grademax, 2);
    }
}
