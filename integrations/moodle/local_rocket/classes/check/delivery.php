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

namespace local_rocket\check;

use core\check\check;
use core\check\result;
use local_rocket\state;

/**
 * Says on Moodle's page "System status" whether events reach Rocket.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class delivery extends check {
    /**
     * Its name.
     *
     * @return string
     */
    public function get_name(): string {
        return get_string('checkdelivery', 'local_rocket');
    }

    /**
     * Where to do something about it.
     *
     * @return \action_link|null
     */
    public function get_action_link(): ?\action_link {
        return new \action_link(new \moodle_url('/local/rocket/index.php'), get_string('statepage', 'local_rocket'));
    }

    /**
     * What it finds.
     *
     * @return result
     */
    public function get_result(): result {
        $state = new state();
        $matters = $state->matters();
        $numbers = get_string('statenumbers', 'local_rocket', (object)[
            'waiting' => $state->waiting,
            'refused' => $state->refused,
            'sent' => $state->sent,
            'last' => $state->lastsuccess ? userdate($state->lastsuccess) : get_string('never'),
        ]);
        if (!$matters) {
            return new result(result::OK, get_string('checkok', 'local_rocket'), $numbers);
        }
        $levels = ['error' => result::ERROR, 'warning' => result::WARNING, 'info' => result::NA];
        return new result($levels[$matters[0][0]], $matters[0][1], implode(' ', array_column($matters, 1)) . ' ' . $numbers);
    }
}
