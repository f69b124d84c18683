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
 * Writes the past of this site as CSV for Rocket's import.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

define('CLI_SCRIPT', true);

require(__DIR__ . '/../../../config.php');
require_once($CFG->libdir . '/clilib.php');

use local_rocket\history;

[$options, $unrecognised] = cli_get_params(
    ['course' => '', 'since' => '', 'until' => '', 'kinds' => '', 'output' => '-', 'help' => false],
    ['h' => 'help']
);
if ($unrecognised) {
    cli_error(get_string('cliunknowoption', 'admin', implode("\n  ", $unrecognised)), 2);
}
if ($options['help']) {
    $kinds = implode(',', array_keys(history::KINDS));
    cli_writeln("Writes completions, quiz attempts, grades, submissions, forum posts and log-ins of the past as CSV,
in the columns of Rocket's CSV format.

  --output=FILE   where to write; - (the default) is standard output
  --course=ID     only this course; without log-ins, which belong to none
  --since=TIME    from this time on: a date such as 2026-01-31, or Unix seconds
  --until=TIME    before this time
  --kinds=LIST    some of: $kinds
  -h, --help      this text

What this plugin has sent live, too, has the same event_id there and counts once. Staff are left out, by the
roles that they have now and the plugin's settings.

  sudo -u www-data php local/rocket/cli/export_history.php --output=/tmp/history.csv");
    exit(0);
}

$time = function (string $name) use ($options): ?int {
    $text = trim((string)$options[$name]);
    if ($text === '') {
        return null;
    }
    $read = ctype_digit($text) ? (int)$text : strtotime($text);
    if ($read === false) {
        cli_error("--$name: $text is no time; write 2026-01-31, or Unix seconds", 2);
    }
    return $read;
};
$since = $time('since') ?? 0;
$until = $time('until') ?? PHP_INT_MAX;
$courseid = 0;
if ($options['course'] !== '') {
    $courseid = (int)$options['course'];
    if ($courseid <= SITEID || !$DB->record_exists('course', ['id' => $courseid])) {
        cli_error("--course: there is no course {$options['course']}", 2);
    }
}
$kinds = $options['kinds'] === '' ? array_keys(history::KINDS) : explode(',', $options['kinds']);
$unknown = array_diff($kinds, array_keys(history::KINDS));
if ($unknown) {
    cli_error('--kinds: no such kind: ' . implode(', ', $unknown), 2);
}
$file = @fopen($options['output'] === '-' ? 'php://stdout' : $options['output'], 'w');
if (!$file) {
    cli_error("--output: can't write to {$options['output']}", 1);
}

raise_memory_limit(MEMORY_STANDARD);
$history = new history($courseid, $since, $until);
fputcsv($file, history::COLUMNS, ',', '"', '\\');
foreach ($kinds as $kind) {
    $count = 0;
    foreach ($history->rows($kind) as $row) {
        if (fputcsv($file, $row, ',', '"', '\\') === false) {
            cli_error("can't write to {$options['output']}: is the disk full?", 1);
        }
        $count++;
    }
    fwrite(STDERR, sprintf("%-12s %d\n", $kind, $count));
}
fclose($file);
