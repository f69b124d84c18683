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
 * What is wrong with a connection, as the name of a sentence in this plugin's language file.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class fault {
    /** @var array What curl's error numbers mean (https://curl.se/libcurl/c/libcurl-errors.html). */
    const CURL = [
        6 => 'unknownhost',
        7 => 'refused',
        28 => 'timedout',
        35 => 'tls',
        51 => 'certificate',
        52 => 'noanswer',
        56 => 'noanswer',
        58 => 'tls',
        60 => 'certificate',
        77 => 'certificate',
    ];

    /**
     * The name of the sentence; empty where nothing is wrong.
     *
     * @param int $errno curl's error number; 0 for none
     * @param int $status of HTTP; 0 where there was no answer
     * @param string $answer the body
     * @param string $credential token or key
     * @return string such as fault_refused
     */
    public static function of(int $errno, int $status, string $answer, string $credential = 'token'): string {
        if ($errno !== 0 || $status === 0) {
            return 'fault_' . (self::CURL[$errno] ?? 'unreachable');
        }
        $decoded = json_decode($answer, true);
        $isours = is_array($decoded);
        if ($status === 200) {
            return $isours ? '' : 'fault_notrocket';
        }
        if ($status >= 300 && $status < 400) {
            return 'fault_redirect';
        }
        if ($status === 407) {
            return 'fault_proxy';
        }
        if (!$isours || !isset($decoded['error'])) {
            return $status >= 500 ? 'fault_server' : 'fault_notrocket';
        }
        if ($status === 401) {
            return "fault_{$credential}unknown";
        }
        if ($status === 403) {
            return "fault_{$credential}forbidden";
        }
        if ($status === 404 || $status === 405) {
            return $credential === 'token' ? 'fault_oldrocket' : '';
        }
        if ($status === 429) {
            return 'fault_toomany';
        }
        return $status >= 500 ? 'fault_server' : 'fault_rejected';
    }
}
