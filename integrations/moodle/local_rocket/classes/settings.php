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

use local_rocket\local\address;

/**
 * What an administrator has set, read once for what happens now.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class settings {
    /** @var int How many events the queue holds at most, where nothing else is set. */
    const QUEUE = 1000000;

    /** @var address Where Rocket is. */
    public $address;

    /** @var string The token of the Moodle source. */
    public $token;

    /** @var string A key of the API, for what the block shows and for anonymising. */
    public $key;

    /** @var bool Whether events are kept and not sent. */
    public $paused;

    /** @var bool Whether a task is asked to send directly after an event. */
    public $sendsoon;

    /** @var bool Whether who is deleted here is anonymised there. */
    public $anonymise;

    /** @var bool Whether names and addresses are sent. */
    public $sendpersonal;

    /** @var bool Whether grades are sent. */
    public $sendgrades;

    /** @var int[] Roles that earn nothing. */
    public $excludedroles;

    /** @var bool[] Names of events that aren't sent, as keys. */
    public $notsent;

    /** @var int How many events the queue holds at most. */
    public $maxqueue;

    /** @var int Since when the queue has been full; 0 where it isn't. */
    public $fullsince;

    /** @var int Before this time nothing is sent, because sending failed. */
    public $nextattempt;

    /**
     * Only get() makes one.
     *
     * @param \stdClass $config what get_config() answers
     */
    private function __construct(\stdClass $config) {
        $this->address = new address((string)($config->address ?? ''));
        $this->token = trim((string)($config->token ?? ''));
        $this->key = trim((string)($config->apikey ?? ''));
        $this->paused = !empty($config->paused);
        $this->sendsoon = !empty($config->sendsoon);
        $this->anonymise = !empty($config->anonymise);
        $this->sendpersonal = !empty($config->sendpersonal);
        $this->sendgrades = !empty($config->sendgrades);
        $this->excludedroles = isset($config->excludedroles)
            ? array_map('intval', array_filter(explode(',', $config->excludedroles)))
            : roles::default_excluded();
        $this->notsent = array_fill_keys(array_filter(explode(',', (string)($config->notsent ?? ''))), true);
        $this->maxqueue = max(1000, (int)($config->maxqueue ?? self::QUEUE));
        $this->fullsince = (int)($config->fullsince ?? 0);
        $this->nextattempt = (int)($config->nextattempt ?? 0);
    }

    /**
     * The settings as they are now.
     *
     * @return self
     */
    public static function get(): self {
        return new self(get_config('local_rocket'));
    }

    /**
     * Whether there is somebody to send to.
     *
     * @return bool
     */
    public function is_connected(): bool {
        return $this->token !== '' && $this->address->is_valid();
    }

    /**
     * Whether nothing more can be kept.
     *
     * @return bool
     */
    public function is_full(): bool {
        return $this->fullsince > 0;
    }
}
