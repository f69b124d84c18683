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

use local_rocket\local\site_address;

/**
 * Tries the connection and says in words what is wrong.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class connection {
    /**
     * Tries the address and the token, and the key where there is one.
     *
     * @return array[] pairs of a level (success, warning or error) and a sentence
     */
    public static function test(): array {
        global $CFG;
        $settings = settings::get();
        if ((string)$settings->address === '') {
            return [['error', get_string('test_noaddress', 'local_rocket')]];
        }
        if (!$settings->address->is_valid()) {
            return [['error', get_string('test_badaddress', 'local_rocket', s((string)$settings->address))]];
        }
        if ($settings->token === '') {
            return [['error', get_string('test_notoken', 'local_rocket')]];
        }
        $client = new client($settings, 10);
        $started = microtime(true);
        $reply = catalogue::refresh($client, true);
        $ms = (int)round(1000 * (microtime(true) - $started));
        $fault = $reply->fault();
        if ($fault !== '') {
            return [['error', $fault]];
        }
        $source = $reply->json()['source'] ?? [];
        $site = is_string($source['site'] ?? null) ? $source['site'] : '';
        if ($site !== '' && !site_address::same($site, $CFG->wwwroot)) {
            return [['error', get_string('test_othersite', 'local_rocket', (object)[
                'site' => s($site), 'here' => s($CFG->wwwroot),
            ])]];
        }
        $found = [['success', get_string('test_ok', 'local_rocket', (object)[
            'source' => s(catalogue::source_name()), 'events' => count(catalogue::learners()), 'ms' => $ms,
        ])]];
        if ($settings->address->is_plain()) {
            $found[] = ['warning', get_string('test_plain', 'local_rocket')];
        }
        if ($settings->key === '') {
            $found[] = ['warning', get_string('test_nokey', 'local_rocket')];
        } else {
            $fault = $client->read('leaderboard', ['limit' => 1])->fault();
            $found[] = $fault === '' ? ['success', get_string('test_keyok', 'local_rocket')] : ['error', $fault];
        }
        // What waited because of a fault needn't wait any longer.
        set_config('nextattempt', 0, 'local_rocket');
        return $found;
    }
}
