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
 * Whose an event is: a matter of the event's type, not of which fields it has.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class learner {
    /** @var string The one who acted. */
    const ACTOR = 'userid';

    /** @var string The one whom it is about. */
    const RELATED = 'relateduserid';

    /** @var string The one whom it is about, if it names somebody; else the one who acted. */
    const RELATED_OR_ACTOR = 'relateduserid_or_userid';

    /** @var string Nobody: an event about a course as a whole. */
    const NOBODY = '';

    /**
     * The Moodle id of the learner; 0 where the event names nobody.
     *
     * @param array $data what core\event\base::get_data() answers
     * @param string $namedby one of the constants
     * @return int
     */
    public static function of(array $data, string $namedby): int {
        if ($namedby === self::NOBODY) {
            return 0;
        }
        $other = is_array($data['other'] ?? null) ? $data['other'] : [];
        $related = $data['relateduserid'] ?? $other['relateduserid'] ?? null;
        if ($namedby === self::RELATED_OR_ACTOR && (int)$related === 0) {
            // What a group hands in together names nobody: it is theirs who did it.
            $related = null;
        }
        $id = $namedby !== self::ACTOR && $related !== null ? (int)$related : (int)($data['userid'] ?? 0);
        return max($id, 0);
    }
}
