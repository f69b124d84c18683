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

use local_rocket\local\fault;
use local_rocket\local\verdict;

/**
 * What Rocket answered, or why there was no answer.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class reply {
    /** @var int Of HTTP; 0 where there was no answer. */
    public $status;

    /** @var string The body. */
    public $body;

    /** @var int curl's error number; 0 for none. */
    public $errno;

    /** @var string curl's own words. */
    public $error;

    /** @var string[] By name in lower case. */
    private $headers;

    /** @var string token or key: what it was asked with. */
    private $credential;

    /**
     * Only the client makes one.
     *
     * @param int $status
     * @param string $body
     * @param int $errno
     * @param string $error
     * @param array $headers
     * @param string $credential
     */
    public function __construct(int $status, string $body, int $errno, string $error, array $headers, string $credential) {
        $this->status = $errno ? 0 : $status;
        $this->body = $body;
        $this->errno = $errno;
        $this->error = $error;
        $this->headers = array_change_key_case($headers, CASE_LOWER);
        $this->credential = $credential;
    }

    /**
     * One header; empty where it wasn't sent.
     *
     * @param string $name in lower case
     * @return string
     */
    public function header(string $name): string {
        $value = $this->headers[$name] ?? '';
        return trim(is_array($value) ? (string)end($value) : (string)$value);
    }

    /**
     * The decoded body; null where it isn't JSON or the status isn't 200.
     *
     * @return array|null
     */
    public function json(): ?array {
        $decoded = $this->status === 200 ? json_decode($this->body, true) : null;
        return is_array($decoded) ? $decoded : null;
    }

    /**
     * What is wrong, in a sentence for an administrator; empty where nothing is.
     *
     * @return string
     */
    public function fault(): string {
        $name = fault::of($this->errno, $this->status, $this->body, $this->credential);
        if ($name === '' || $this->status === 304) {
            return '';
        }
        return get_string($name, 'local_rocket', (object)[
            'status' => $this->status,
            'said' => verdict::message($this->body) ?: $this->error,
            'location' => $this->header('location'),
        ]);
    }
}
