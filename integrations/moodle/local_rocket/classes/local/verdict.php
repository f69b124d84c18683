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
 * What an answer of Rocket to a batch means for the events in it.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class verdict {
    /** @var string Every event was read; those that are named are refused for good. */
    const TAKEN = 'taken';

    /** @var string Nothing was taken; the same again later. */
    const AGAIN = 'again';

    /** @var string Something in the batch can't be read; the halves alone. */
    const SPLIT = 'split';

    /** @var string What is to be done. */
    public $what;

    /** @var string[] Reasons by the place in the batch, of events that would be refused again. */
    public $refused = [];

    /** @var int[] How many events had each status, such as success and duplicate. */
    public $counts = [];

    /** @var int Seconds that the server asked to wait. */
    public $wait = 0;

    /**
     * Only judge() makes one.
     *
     * @param string $what
     */
    private function __construct(string $what) {
        $this->what = $what;
    }

    /**
     * Reads an answer.
     *
     * @param int $status of HTTP; 0 where there was no answer
     * @param string $answer the body
     * @param int $sent how many events the batch had
     * @return self
     */
    public static function judge(int $status, string $answer, int $sent): self {
        if ($status === 400 || $status === 413 || $status === 422) {
            $verdict = new self(self::SPLIT);
            $verdict->refused = [0 => self::message($answer) ?: "HTTP $status"];
            return $verdict;
        }
        $decoded = $status === 200 ? json_decode($answer, true) : null;
        $results = is_array($decoded) ? ($decoded['results'] ?? null) : null;
        if (!is_array($results) || count($results) !== $sent) {
            $verdict = new self(self::AGAIN);
            $decoded = json_decode($answer, true);
            $verdict->wait = is_array($decoded) ? (int)($decoded['retry_after'] ?? 0) : 0;
            return $verdict;
        }
        $verdict = new self(self::TAKEN);
        foreach ($results as $place => $result) {
            $state = is_array($result) && is_string($result['status'] ?? null) ? $result['status'] : 'failed';
            $verdict->counts[$state] = ($verdict->counts[$state] ?? 0) + 1;
            if ($state === 'failed') {
                $reason = is_array($result) ? ($result['reason'] ?? $result['error'] ?? null) : null;
                $verdict->refused[$place] = is_string($reason) ? $reason : 'refused without a reason';
            }
        }
        return $verdict;
    }

    /**
     * The sentence of an error of Rocket; empty where it is none.
     *
     * @param string $answer the body
     * @return string
     */
    public static function message(string $answer): string {
        $decoded = json_decode($answer, true);
        $message = is_array($decoded) ? ($decoded['message'] ?? '') : '';
        return is_string($message) ? $message : '';
    }
}
