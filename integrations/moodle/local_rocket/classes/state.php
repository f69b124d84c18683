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

/**
 * How the queue stands, for the page, the settings and the status check.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class state {
    /** @var int How many events wait. */
    public $waiting;

    /** @var int How many were refused. */
    public $refused;

    /** @var int When the oldest that waits occurred; 0 for none. */
    public $oldest;

    /** @var int When something was last taken; 0 for never. */
    public $lastsuccess;

    /** @var int How often sending failed in a row. */
    public $failures;

    /** @var string Why it failed last. */
    public $lastfault;

    /** @var int When it is tried again; 0 where nothing is in the way. */
    public $nextattempt;

    /** @var int How many events were taken in all. */
    public $sent;

    /** @var settings What is set. */
    public $settings;

    /**
     * Reads it.
     */
    public function __construct() {
        global $DB;
        $config = get_config('local_rocket');
        $this->settings = settings::get();
        $row = $DB->get_record_sql(
            'SELECT COUNT(*) AS waiting, MIN(timecreated) AS oldest FROM {' . queue::TABLE . '} WHERE refused = 0'
        );
        $this->waiting = (int)$row->waiting;
        $this->oldest = (int)$row->oldest;
        $this->refused = $DB->count_records(queue::TABLE, ['refused' => 1]);
        $this->lastsuccess = (int)($config->lastsuccess ?? 0);
        $this->failures = (int)($config->failures ?? 0);
        $this->lastfault = (string)($config->lastfault ?? '');
        $this->nextattempt = (int)($config->nextattempt ?? 0);
        $this->sent = (int)($config->sent ?? 0);
    }

    /**
     * What is the matter, most important first, as pairs of a level (error, warning or info) and a sentence.
     *
     * @return array[]
     */
    public function matters(): array {
        $matters = [];
        $settings = $this->settings;
        if (!$settings->is_connected()) {
            return [['info', get_string('matter_notconnected', 'local_rocket')]];
        }
        if ($settings->is_full()) {
            $matters[] = ['error', get_string('matter_full', 'local_rocket', (object)[
                'since' => userdate($settings->fullsince), 'most' => $settings->maxqueue,
            ])];
        }
        if ($this->failures > 0) {
            $matters[] = [$this->failures > 3 ? 'error' : 'warning', get_string('matter_failing', 'local_rocket', (object)[
                'fault' => $this->lastfault, 'times' => $this->failures, 'next' => userdate($this->nextattempt),
            ])];
        } else if ($this->waiting && !$settings->paused && $this->oldest < time() - HOURSECS) {
            $matters[] = ['warning', get_string('matter_late', 'local_rocket', userdate($this->oldest))];
        }
        if ($settings->paused) {
            $matters[] = ['warning', get_string('matter_paused', 'local_rocket', $this->waiting)];
        }
        if ($this->refused) {
            $matters[] = ['warning', get_string('matter_refused', 'local_rocket', $this->refused)];
        }
        return $matters;
    }
}
