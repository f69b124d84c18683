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

/**
 * Answers the block's content anew, for the browser that asks after the page was shown.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

define('AJAX_SCRIPT', true);
define('READ_ONLY_SESSION', true);

require(__DIR__ . '/../../config.php');

$courseid = optional_param('courseid', SITEID, PARAM_INT);
$course = $courseid > SITEID ? get_course($courseid) : null;
require_login($course, false, null, false, true);
require_sesskey();
if (isguestuser()) {
    throw new moodle_exception('noguest');
}
$PAGE->set_context($course ? context_course::instance($course->id) : context_system::instance());
$PAGE->set_url('/blocks/rocket/content.php', ['courseid' => $courseid]);
\core\session\manager::write_close();

$panel = new \block_rocket\panel((int)$USER->id, $course ? (int)$course->id : 0);
$panel->refresh();
echo json_encode(['html' => $panel->html()]);
