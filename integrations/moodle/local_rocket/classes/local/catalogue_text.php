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
 * The list of events that are kept, as Rocket sends it and as it comes with this plugin.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class catalogue_text {
    /** @var int More events than this are a mistake. */
    const MOST = 2000;

    /**
     * Reads it; null where it is none.
     *
     * @param string $text JSON: {"source": {"name", "site"}, "events": [{"eventname", "learner", "title"}]}
     * @return array|null with source (name and site, or empty texts), learners and titles, both by eventname
     */
    public static function read(string $text): ?array {
        $decoded = json_decode($text, true);
        $events = is_array($decoded) ? ($decoded['events'] ?? null) : null;
        if (!is_array($events) || !$events || count($events) > self::MOST) {
            return null;
        }
        $known = [learner::ACTOR, learner::RELATED, learner::RELATED_OR_ACTOR, learner::NOBODY];
        $learners = [];
        $titles = [];
        foreach ($events as $event) {
            $name = is_array($event) ? ($event['eventname'] ?? null) : null;
            $by = is_array($event) ? ($event['learner'] ?? '') : null;
            if (!is_string($name) || $name === '' || $name[0] !== '\\' || !in_array($by, $known, true)) {
                continue;
            }
            $learners[$name] = $by;
            $titles[$name] = is_string($event['title'] ?? null) ? $event['title'] : $name;
        }
        if (!$learners) {
            return null;
        }
        $source = is_array($decoded['source'] ?? null) ? $decoded['source'] : [];
        return [
            'source' => [
                'name' => is_string($source['name'] ?? null) ? $source['name'] : '',
                'site' => is_string($source['site'] ?? null) ? $source['site'] : '',
            ],
            'learners' => $learners,
            'titles' => $titles,
        ];
    }
}
