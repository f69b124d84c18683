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
 * The block.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Shows a learner their points, and a teacher those of the course, from what is remembered: the page never waits
 * for Rocket. What is old is fetched by the browser afterwards.
 *
 * @package    block_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class block_rocket extends block_base {
    /**
     * Its title.
     */
    public function init() {
        $this->title = get_string('blocktitle', 'block_rocket');
    }

    /**
     * Where it may stand.
     *
     * @return bool[]
     */
    public function applicable_formats() {
        return ['my' => true, 'course-view' => true, 'site-index' => true];
    }

    /**
     * Whether it may stand twice on a page.
     *
     * @return bool
     */
    public function instance_allow_multiple() {
        return false;
    }

    /**
     * What it shows.
     *
     * @return stdClass|null
     */
    public function get_content() {
        global $USER;
        if ($this->content !== null) {
            return $this->content;
        }
        $this->content = new stdClass();
        $this->content->text = '';
        $this->content->footer = '';
        if (!isloggedin() || isguestuser()) {
            return $this->content;
        }
        $courseid = (int)$this->page->course->id;
        $panel = new \block_rocket\panel((int)$USER->id, $courseid > SITEID ? $courseid : 0);
        $id = 'block-rocket-' . $this->instance->id;
        $this->content->text = html_writer::div($panel->html(), 'block-rocket-content', [
            'id' => $id,
            'aria-live' => 'polite',
            'aria-busy' => $panel->is_old() ? 'true' : 'false',
        ]);
        if ($panel->is_old()) {
            $url = new moodle_url('/blocks/rocket/content.php', ['courseid' => $courseid, 'sesskey' => sesskey()]);
            $this->page->requires->js_call_amd('block_rocket/refresh', 'init', [$id, $url->out(false)]);
        }
        return $this->content;
    }
}
