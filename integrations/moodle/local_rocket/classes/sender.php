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

use local_rocket\local\backoff;
use local_rocket\local\body;
use local_rocket\local\verdict;

/**
 * Sends what waits in the queue, in order, one batch after the other, and remembers how that went.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class sender {
    /** @var int Events of one batch. */
    const BATCH = 500;

    /** @var int Bytes of one batch, as they are kept. */
    const BYTES = 2000000;

    /** @var client Who talks to Rocket. */
    private $client;

    /** @var settings What is set. */
    private $settings;

    /** @var int How many events were taken in this run. */
    private $taken = 0;

    /**
     * A sender with the present settings.
     */
    public function __construct() {
        $this->settings = settings::get();
        $this->client = new client($this->settings);
    }

    /**
     * Sends until the queue is empty, something fails or the time is over. Only one sends at a time.
     *
     * @param int $seconds for which it may go on
     * @param bool $now whether a wait after a failure is passed over
     * @return int how many events were taken
     */
    public function run(int $seconds = 50, bool $now = false): int {
        $until = time() + $seconds;
        if (!$this->settings->is_connected() || $this->settings->paused) {
            return 0;
        }
        if (!$now && $this->settings->nextattempt > time()) {
            return 0;
        }
        $lock = \core\lock\lock_config::get_lock_factory('local_rocket')->get_lock('send', 0);
        if (!$lock) {
            return 0;
        }
        try {
            task\send_now::begin();
            catalogue::refresh($this->client);
            while (time() < $until && $this->step()) {
                continue;
            }
            if ($this->settings->is_full()) {
                queue::look_whether_full();
            }
        } finally {
            $lock->release();
        }
        return $this->taken;
    }

    /**
     * Sends what comes next.
     *
     * @return bool whether to go on
     */
    private function step(): bool {
        $rows = queue::next(self::BATCH);
        if (!$rows) {
            return false;
        }
        $first = reset($rows);
        if ((int)$first->kind === queue::ERASURE) {
            return $this->erase($first);
        }
        $batch = [];
        $bytes = 0;
        foreach ($rows as $row) {
            $bytes += strlen((string)$row->payload);
            if ((int)$row->kind !== queue::EVENT || ($batch && $bytes > self::BYTES)) {
                break;
            }
            $batch[] = $row;
        }
        return $this->send($batch, (new enricher($this->settings))->bodies($batch));
    }

    /**
     * Sends some events; where one of them can't be read at all, finds it by halves.
     *
     * @param \stdClass[] $rows
     * @param array[] $bodies of the same events
     * @return bool whether to go on
     */
    private function send(array $rows, array $bodies): bool {
        $reply = $this->client->send($bodies);
        $verdict = verdict::judge($reply->status, $reply->body, count($rows));
        if ($verdict->what === verdict::AGAIN) {
            $this->failed($reply, $verdict->wait);
            return false;
        }
        if ($verdict->what === verdict::SPLIT && count($rows) > 1) {
            $half = intdiv(count($rows), 2);
            return $this->send(array_slice($rows, 0, $half), array_slice($bodies, 0, $half))
                && $this->send(array_slice($rows, $half), array_slice($bodies, $half));
        }
        $done = [];
        foreach ($rows as $place => $row) {
            if (isset($verdict->refused[$place])) {
                queue::refuse($row->id, $verdict->refused[$place]);
            } else {
                $done[] = $row->id;
            }
        }
        queue::remove($done);
        $this->taken += count($done);
        $this->succeeded(count($done));
        return true;
    }

    /**
     * Anonymises somebody who was deleted here.
     *
     * @param \stdClass $row
     * @return bool whether to go on
     */
    private function erase(\stdClass $row): bool {
        if ($this->settings->key === '') {
            queue::refuse($row->id, get_string('erasurenokey', 'local_rocket'));
            return true;
        }
        $reply = $this->client->erase((int)$row->userid);
        if ($reply->status === 200 || $reply->status === 404) {
            queue::remove([$row->id]);
            return true;
        }
        if ($reply->status >= 400 && $reply->status < 500 && $reply->status !== 429) {
            queue::refuse($row->id, $reply->fault() ?: "HTTP {$reply->status}");
            return true;
        }
        $this->failed($reply, 0);
        return false;
    }

    /**
     * Remembers that something was taken.
     *
     * @param int $count
     */
    private function succeeded(int $count) {
        $this->remember(['failures' => 0, 'nextattempt' => 0, 'lastfault' => '', 'lastsuccess' => time()]);
        if ($count) {
            set_config('sent', (int)get_config('local_rocket', 'sent') + $count, 'local_rocket');
        }
    }

    /**
     * Remembers that nothing was taken, and when to try again.
     *
     * @param reply $reply
     * @param int $wait seconds that the server asked for
     */
    private function failed(reply $reply, int $wait) {
        $failures = (int)get_config('local_rocket', 'failures') + 1;
        $wait = max($wait, (int)$reply->header('retry-after'));
        $fault = $reply->fault() ?: get_string('fault_unreadable', 'local_rocket');
        $this->remember([
            'failures' => $failures,
            'nextattempt' => time() + backoff::delay($failures, $wait),
            'lastfault' => $fault,
            'lastfailure' => time(),
        ]);
        if (!PHPUNIT_TEST) {
            mtrace("local_rocket: $fault");
        }
    }

    /**
     * Writes down values that changed.
     *
     * @param array $values
     */
    private function remember(array $values) {
        $known = get_config('local_rocket');
        foreach ($values as $name => $value) {
            if ((string)($known->$name ?? '') !== (string)$value) {
                set_config($name, $value, 'local_rocket');
            }
        }
    }
}
