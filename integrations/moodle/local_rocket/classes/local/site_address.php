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
 * Whether two spellings mean one Moodle site, by the same rules as Rocket's.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class site_address {
    /**
     * Compares two addresses: scheme, capitals in the host, a default port and a slash at the end don't matter.
     *
     * @param string $first
     * @param string $second
     * @return bool
     */
    public static function same(string $first, string $second): bool {
        return self::plain($first) === self::plain($second);
    }

    /**
     * What all spellings of one site have in common.
     *
     * @param string $address
     * @return string
     */
    private static function plain(string $address): string {
        $parts = parse_url(strpos($address, '://') === false ? "https://$address" : $address);
        if (!is_array($parts) || !isset($parts['host'])) {
            return $address;
        }
        $port = in_array($parts['port'] ?? 443, [80, 443], true) ? '' : ':' . $parts['port'];
        return rtrim(strtolower($parts['host']), '.') . $port . rtrim($parts['path'] ?? '', '/');
    }
}
