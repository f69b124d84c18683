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
 * Sends what waits, as soon as an ad hoc task may run.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class send_now extends \core\task\adhoc_task {
    /** @var int After so many seconds a task that was asked for and hasn't run is asked for again. */
    const PATIENCE = 60;

    /**
     * Asks for one, if none was asked for a moment ago.
     */
    public static function ask() {
        $cache = \cache::make('local_rocket', 'state');
        $asked = (int)$cache->get('asked');
        if ($asked > time() - self::PATIENCE) {
            return;
        }
        $cache->set('asked', time());
        $task = new self();
        $task->set_component('local_rocket');
        \core\task\manager::queue_adhoc_task($task, true);
    }

    /**
     * Lets the next event ask for another one, since what it adds may come too late for this one.
     */
    public static function begin() {
        \cache::make('local_rocket', 'state')->delete('asked');
    }

    /**
     * Sends for up to fifty seconds.
     */
    public function execute() {
        self::begin();
        (new \local_rocket\sender())->run(50);
    }
}
