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
 * How sending to Rocket stands, and what can be done about it.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

require(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');
require_once($CFG->libdir . '/tablelib.php');

$action = optional_param('action', '', PARAM_ALPHA);
$page = optional_param('page', 0, PARAM_INT);

admin_externalpage_setup('local_rocket_state');
$context = context_system::instance();
require_capability('local/rocket:manage', $context);
$url = new moodle_url('/local/rocket/index.php');

if ($action !== '' && confirm_sesskey()) {
    if ($action === 'test') {
        foreach (\local_rocket\connection::test() as [$level, $sentence]) {
            \core\notification::add($sentence, $level);
        }
        redirect($url);
    }
    if ($action === 'send') {
        \core_php_time_limit::raise(120);
        $taken = (new \local_rocket\sender())->run(20, true);
        redirect($url, get_string('senttaken', 'local_rocket', $taken));
    }
    if ($action === 'retry') {
        \local_rocket\queue::retry_refused();
        redirect($url);
    }
    if ($action === 'discard') {
        \local_rocket\queue::discard_refused();
        redirect($url, get_string('discarded', 'local_rocket'));
    }
}

$state = new \local_rocket\state();
$never = get_string('never');
$rows = [];
foreach (
    [
        'waiting' => $state->waiting,
        'oldest' => $state->oldest ? userdate($state->oldest) : '–',
        'refused' => $state->refused,
        'sent' => $state->sent,
        'lastsuccess' => $state->lastsuccess ? userdate($state->lastsuccess) : $never,
        'catalogue' => count(\local_rocket\catalogue::learners()),
        'room' => $state->settings->maxqueue,
    ] as $name => $value
) {
    $rows[] = ['name' => get_string("state_$name", 'local_rocket'), 'value' => $value];
}
$matters = [];
foreach ($state->matters() as [$level, $sentence]) {
    $matters[] = ['class' => $level === 'error' ? 'danger' : $level, 'sentence' => $sentence];
}

$perpage = 50;
$refused = [];
$found = $DB->get_records(\local_rocket\queue::TABLE, ['refused' => 1], 'id', '*', $page * $perpage, $perpage);
$titles = \local_rocket\catalogue::titles();
foreach ($found as $row) {
    $refused[] = [
        'time' => userdate($row->timecreated, get_string('strftimedatetimeshort', 'langconfig')),
        'title' => $titles[$row->eventname] ?? $row->eventname,
        'eventname' => $row->eventname,
        'user' => $row->userid,
        'reason' => $row->reason,
    ];
}

$button = function (string $action) use ($OUTPUT, $url) {
    $target = new moodle_url($url, ['action' => $action, 'sesskey' => sesskey()]);
    return $OUTPUT->single_button($target, get_string("do_$action", 'local_rocket'), 'post');
};
$buttons = $button('test');
if ($state->waiting && $state->settings->is_connected() && !$state->settings->paused) {
    $buttons .= $button('send');
}

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('statepage', 'local_rocket'));
echo $OUTPUT->render_from_template('local_rocket/state', [
    'matters' => $matters,
    'fine' => !$matters,
    'rows' => $rows,
    'buttons' => $buttons,
    'settingsurl' => (new moodle_url('/admin/settings.php', ['section' => 'local_rocket_settings']))->out(false),
    'hasrefused' => (bool)$refused,
    'refused' => $refused,
    'refusedbuttons' => $refused ? $button('retry') . $button('discard') : '',
    'paging' => $OUTPUT->paging_bar($state->refused, $page, $perpage, $url),
]);
echo $OUTPUT->footer();
