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
 * How long to wait after the sending failed several times in a row.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class backoff {
    /** @var int[] Seconds after the first, second, … failure; the last one holds for all that follow. */
    const DELAYS = [0, 60, 120, 300, 600, 900];

    /** @var int The longest wait that a server may ask for, in seconds. */
    const LONGEST = 3600;

    /**
     * Seconds until the next try.
     *
     * @param int $failures how often it failed in a row, at least 1
     * @param int $asked seconds that the server asked for, or 0
     * @return int
     */
    public static function delay(int $failures, int $asked = 0): int {
        $delay = self::DELAYS[min(max($failures, 1), count(self::DELAYS)) - 1];
        return max($delay, min(max($asked, 0), self::LONGEST));
    }
}
