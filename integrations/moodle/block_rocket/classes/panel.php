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

namespace block_rocket;

use block_rocket\local\view;
use local_rocket\catalogue;
use local_rocket\client;
use local_rocket\settings;

/**
 * What one person is shown: from what is remembered at once, and fetched anew when the browser asks for it.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class panel {
    /** @var int What was fetched is new for so many seconds. */
    const NEW = 60;

    /** @var int After a failure Rocket is left in peace for so many seconds. */
    const PEACE = 60;

    /** @var int Learners of a course that a teacher is shown. */
    const LEARNERS = 200;

    /** @var int Places of a leaderboard. */
    const PLACES = 5;

    /** @var int Who looks. */
    private $userid;

    /** @var int The course whose page it is; 0 for none. */
    private $courseid;

    /** @var bool Whether the points of the course's learners are shown, in place of one's own. */
    private $isteacher;

    /** @var array|null What was fetched: at (when) and data; null for nothing. */
    private $known;

    /** @var \cache What is remembered. */
    private $cache;

    /**
     * The panel of a person in a course.
     *
     * @param int $userid
     * @param int $courseid 0 for none
     */
    public function __construct(int $userid, int $courseid) {
        $this->userid = $userid;
        $this->courseid = $courseid;
        $this->isteacher = $courseid && has_capability('block/rocket:viewcourse', \context_course::instance($courseid));
        $this->cache = \cache::make('block_rocket', 'shown');
        $this->known = $this->cache->get($this->key()) ?: null;
    }

    /**
     * Whether the browser should ask for newer content.
     *
     * @return bool
     */
    public function is_old(): bool {
        return !$this->known || $this->known['at'] < time() - self::NEW;
    }

    /**
     * Fetches it anew, unless that was just done or Rocket is away.
     */
    public function refresh() {
        $settings = settings::get();
        if (!$this->is_old() || $settings->key === '' || !$settings->address->is_valid()) {
            return;
        }
        if ((int)$this->cache->get('away') > time() - self::PEACE) {
            return;
        }
        $client = new client($settings, 4);
        $data = $this->isteacher ? $this->fetch_course($client) : $this->fetch_learner($client);
        if ($data === null) {
            $this->cache->set('away', time());
            return;
        }
        $this->known = ['at' => time(), 'data' => $data];
        $this->cache->set($this->key(), $this->known);
    }

    /**
     * The content.
     *
     * @return string
     */
    public function html(): string {
        global $OUTPUT;
        if (!$this->known) {
            $isset = settings::get()->key !== '';
            $away = (int)$this->cache->get('away') > time() - self::PEACE;
            $name = !$isset ? 'notset' : ($away ? 'away' : 'loading');
            return \html_writer::tag('p', get_string($name, 'block_rocket'), ['class' => 'text-muted mb-0']);
        }
        $data = $this->known['data'];
        $data['asof'] = $this->known['at'] < time() - 10 * MINSECS
            ? get_string('asof', 'block_rocket', userdate($this->known['at'], get_string('strftimetime', 'langconfig')))
            : '';
        $data['leaders'] = $this->named($data['leaders'] ?? []);
        $data['hasleaders'] = (bool)$data['leaders'];
        return $OUTPUT->render_from_template($this->isteacher ? 'block_rocket/course' : 'block_rocket/learner', $data);
    }

    /**
     * The name under which it is remembered.
     *
     * @return string
     */
    private function key(): string {
        return $this->isteacher ? "t{$this->courseid}" : "u{$this->userid}c{$this->courseid}";
    }

    /**
     * What a learner is shown; null where Rocket is away.
     *
     * @param client $client
     * @return array|null
     */
    private function fetch_learner(client $client): ?array {
        $me = catalogue::source_name() . ':' . $this->userid;
        $path = 'users/' . rawurlencode($me);
        $wanted = [
            'balance' => ["$path/balance", []],
            'rank' => ["$path/rank", []],
            'ledger' => ["$path/ledger", ['limit' => view::LATEST]],
            'limits' => ["$path/limits", ['limit' => 200]],
            'badges' => ["$path/badges", ['limit' => view::BADGES]],
        ];
        if ($this->courseid) {
            $wanted['leaders'] = ['leaderboard', ['course' => $this->courseid, 'limit' => self::PLACES]];
            $wanted['place'] = ['leaderboard', ['course' => $this->courseid, 'limit' => 1, 'around' => $me]];
        }
        $answers = [];
        foreach ($wanted as $name => [$where, $query]) {
            $reply = $client->read($where, $query);
            if ($reply->status !== 200 && $reply->status !== 404) {
                return null;
            }
            // Who isn't known there has nothing yet.
            $answers[$name] = $reply->json() ?? [];
        }
        $data = view::learner($answers, $me);
        foreach ($data['latest'] as &$entry) {
            $entry['when'] = userdate($entry['time'], get_string('strftimedateshort', 'langconfig'));
            $entry['title'] = $entry['title'] !== '' ? $entry['title'] : get_string("kind_{$entry['kind']}", 'block_rocket');
        }
        return $data;
    }

    /**
     * What a teacher is shown; null where Rocket is away.
     *
     * @param client $client
     * @return array|null
     */
    private function fetch_course(client $client): ?array {
        $reply = $client->read('leaderboard', ['course' => $this->courseid, 'limit' => self::LEARNERS]);
        if ($reply->status !== 200) {
            return null;
        }
        return ['leaders' => view::leaders($reply->json(), '', true)];
    }

    /**
     * Places with the names of people, as far as the one who looks may know them; for a teacher also those of the
     * course who have no place.
     *
     * @param array[] $places
     * @return array[]
     */
    private function named(array $places): array {
        if (!$this->courseid) {
            return [];
        }
        $people = $this->people();
        $prefix = catalogue::source_name() . ':';
        $shown = [];
        foreach ($places as $place) {
            $id = strpos((string)$place['user'], $prefix) === 0 ? (int)substr($place['user'], strlen($prefix)) : 0;
            if ($this->isteacher && !isset($people[$id])) {
                continue;
            }
            $somebody = $place['anonymous'] ? 'anonymous' : 'somebody';
            $shown[] = ['name' => $people[$id] ?? get_string($somebody, 'block_rocket')] + $place
                + ['you' => $id === $this->userid];
            unset($people[$id]);
        }
        if ($this->isteacher) {
            foreach ($people as $name) {
                $shown[] = ['name' => $name, 'rank' => '–', 'points' => 0, 'you' => false, 'anonymous' => false];
            }
        }
        return $shown;
    }

    /**
     * Names by id of the learners of the course whom the one who looks may see.
     *
     * @return string[]
     */
    private function people(): array {
        $course = get_course($this->courseid);
        $context = \context_course::instance($this->courseid);
        $groups = [0];
        if ((int)$course->groupmode === SEPARATEGROUPS && !has_capability('moodle/site:accessallgroups', $context)) {
            $groups = array_keys(groups_get_all_groups($this->courseid, $this->userid)) ?: [-1];
        }
        $fields = 'u.id, ' . implode(', ', array_map(function ($name) {
            return "u.$name";
        }, ['firstname', 'lastname', 'firstnamephonetic', 'lastnamephonetic', 'middlename', 'alternatename']));
        $excluded = settings::get()->excludedroles;
        $people = [];
        foreach ($groups as $group) {
            $found = $group < 0 ? [] : get_enrolled_users($context, '', $group, $fields, null, 0, self::LEARNERS, true);
            foreach ($found as $user) {
                $people[$user->id] = fullname($user);
            }
        }
        if ($excluded && $people) {
            $staff = get_role_users($excluded, $context, true, 'u.id, u.lastname, u.firstname', 'u.id');
            $people = array_diff_key($people, $staff);
        }
        return $people;
    }
}
