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

use local_rocket\local\catalogue_text;

/**
 * The events that are kept: as Rocket last sent them, and until then as they came with this plugin.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class catalogue {
    /** @var int How often Rocket is asked whether it changed, in seconds. */
    const REFRESH = HOURSECS;

    /**
     * Which field names the learner, by the event's name.
     *
     * @return string[]
     */
    public static function learners(): array {
        return self::current()['learners'];
    }

    /**
     * What the events are called, by their names.
     *
     * @return string[]
     */
    public static function titles(): array {
        return self::current()['titles'];
    }

    /**
     * The name of the source in Rocket, which stands before a learner's id there.
     *
     * @return string
     */
    public static function source_name(): string {
        return (string)get_config('local_rocket', 'sourcename') ?: 'moodle';
    }

    /**
     * Asks Rocket for the list, if that is due.
     *
     * @param client $client
     * @param bool $now whether it is due in any case
     * @return reply|null the answer; null where it wasn't asked
     */
    public static function refresh(client $client, bool $now = false): ?reply {
        $cache = \cache::make('local_rocket', 'catalogue');
        $asked = (int)$cache->get('asked');
        if (!$now && $asked > time() - self::REFRESH) {
            return null;
        }
        $known = $cache->get('current');
        $etag = $known && !empty($known['fetched']) ? (string)$cache->get('etag') : '';
        $reply = $client->catalogue($now ? '' : $etag);
        if ($reply->status === 304) {
            $cache->set('asked', time());
        } else if ($reply->status === 200 && ($read = catalogue_text::read($reply->body))) {
            $cache->set('current', $read + ['fetched' => true]);
            $cache->set('etag', $reply->header('etag'));
            $cache->set('asked', time());
            if ($read['source']['name'] !== '' && $read['source']['name'] !== self::source_name()) {
                set_config('sourcename', $read['source']['name'], 'local_rocket');
            }
        }
        return $reply;
    }

    /**
     * The list.
     *
     * @return array
     */
    private static function current(): array {
        $cache = \cache::make('local_rocket', 'catalogue');
        $current = $cache->get('current');
        if (!$current) {
            $current = catalogue_text::read(file_get_contents(__DIR__ . '/../data/catalogue.json'));
            $cache->set('current', $current);
        }
        return $current;
    }
}
