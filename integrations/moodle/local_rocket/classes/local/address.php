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
 * The address of a Rocket server as an administrator types it, and the addresses that follow from it.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class address {
    /** @var string The address without a slash at its end. */
    private $base;

    /**
     * Takes what was typed; a hook's address or a slash at the end is understood as well.
     *
     * @param string $typed such as https://rocket.example.org
     */
    public function __construct(string $typed) {
        $base = trim($typed);
        $base = preg_replace('~/api/public/hook/.*$~', '', $base);
        $this->base = rtrim($base, '/');
    }

    /**
     * Whether this can be the address of a server.
     *
     * @return bool
     */
    public function is_valid(): bool {
        $parts = parse_url($this->base);
        return is_array($parts) && isset($parts['scheme'], $parts['host'])
            && in_array(strtolower($parts['scheme']), ['http', 'https'], true)
            && !isset($parts['query']) && !isset($parts['fragment']) && !isset($parts['user']);
    }

    /**
     * Whether what is sent there can be read by others on the way.
     *
     * @return bool
     */
    public function is_plain(): bool {
        return strtolower((string)parse_url($this->base, PHP_URL_SCHEME)) === 'http'
            && !in_array(parse_url($this->base, PHP_URL_HOST), ['localhost', '127.0.0.1', '[::1]'], true);
    }

    /**
     * Where batches of events go.
     *
     * @return string
     */
    public function events(): string {
        return $this->base . '/api/public/hook/moodle/events';
    }

    /**
     * Where the list of events that are to be kept comes from.
     *
     * @return string
     */
    public function catalogue(): string {
        return $this->base . '/api/public/hook/moodle/catalogue';
    }

    /**
     * An address of the API.
     *
     * @param string $path below /v1, such as leaderboard
     * @param array $query names and values
     * @return string
     */
    public function api(string $path, array $query = []): string {
        $query = array_filter($query, function ($value) {
            return $value !== null;
        });
        return $this->base . '/v1/' . $path . ($query ? '?' . http_build_query($query, '', '&') : '');
    }

    /**
     * The address itself.
     *
     * @return string
     */
    public function __toString(): string {
        return $this->base;
    }
}
