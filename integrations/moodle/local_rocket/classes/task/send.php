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

namespace local_rocket\task;

/**
 * Sends what waits, every minute.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class send extends \core\task\scheduled_task {
    /**
     * Its name on the pages of tasks.
     *
     * @return string
     */
    public function get_name() {
        return get_string('tasksend', 'local_rocket');
    }

    /**
     * Sends for up to fifty seconds.
     */
    public function execute() {
        $taken = (new \local_rocket\sender())->run(50);
        if ($taken) {
            mtrace("local_rocket: $taken events were taken");
        }
    }
}
