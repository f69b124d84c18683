<?php
// Written by `rocket moodle workflows --script`: brings Rocket's workflows into Moodle's Event Trigger plugin
// (tool_trigger), switched on and in real time. Run it in Moodle's folder as the web server's user:
//
//     cd /var/www/html/moodle
//     sudo -u www-data php rocket-workflows.php            import, or bring up to date
//     sudo -u www-data php rocket-workflows.php --check    only say what would be done
//     sudo -u www-data php rocket-workflows.php --off      switch them off, and keep them
//     sudo -u www-data php rocket-workflows.php --undo     remove them
//
// This file holds the token of your source: remove it afterwards, and never put it where the web server serves it.

define('CLI_SCRIPT', true);

$rocket_acts = ['' => 'import', '--check' => 'check', '--off' => 'off', '--undo' => 'undo'];
$rocket_act = $rocket_acts[isset($argv[1]) ? $argv[1] : ''] ?? null;
if ($rocket_act === null || count($argv) > 2) {
    fwrite(STDERR, "usage: php {$argv[0]} [--check | --off | --undo]\n");
    exit(2);
}
$rocket_folder = getcwd();
if (is_file($rocket_folder . '/public/version.php')) {
    $rocket_folder .= '/public'; // Moodle 5.1 and later.
}
if (!is_file($rocket_folder . '/config.php') || !is_file($rocket_folder . '/version.php')) {
    fwrite(STDERR, "This isn't Moodle's folder: there is no config.php beside version.php. Change to it first (cd).\n");
    exit(1);
}

require($rocket_folder . '/config.php');

exit((new rocket_workflows($rocket_act))->run());

/**
 * What this script does, in order: look, and change only where nothing is wrong.
 */
class rocket_workflows {
    /** The oldest plugin with which these workflows were tried. */
    const PLUGIN = 2021030500;

    private $act;

    public function __construct(string $act) {
        $this->act = $act;
    }

    public function run(): int {
        global $CFG;
        $faults = $this->faults();
        foreach ($faults as $fault) {
            fwrite(STDERR, wordwrap($fault, 110) . "\n\n");
        }
        if ($faults) {
            fwrite(STDERR, "Nothing was changed.\n");
            return 1;
        }
        $counts = ['added' => 0, 'updated' => 0, 'removed' => 0, 'switched off' => 0, 'not there' => 0, 'left out' => 0];
        foreach (json_decode(self::workflows(), true) as $workflow) {
            $counts[$this->one($workflow)]++;
        }
        if ($this->act !== 'check') {
            cache::make('tool_trigger', 'eventsubscriptions')->purge();
        }
        $said = [];
        foreach (array_filter($counts) as $what => $count) {
            $said[] = "$count $what";
        }
        echo ($this->act === 'check' ? 'would be: ' : '') . ($said ? implode(', ', $said) : 'nothing to do') . "\n";
        if ($counts['left out']) {
            echo "Left out: events that this Moodle ({$CFG->release}) doesn't have.\n";
        }
        return 0;
    }

    /**
     * What is in the way, in sentences.
     */
    private function faults(): array {
        global $CFG;
        $version = get_config('tool_trigger', 'version');
        if (!$version) {
            return ['The Event Trigger plugin (tool_trigger) isn\'t installed. Install it first:'
                . ' Site administration > Plugins > Install plugins.'];
        }
        if ($version < self::PLUGIN) {
            return ["The Event Trigger plugin is too old ($version). Update it to " . self::PLUGIN . ' or later.'];
        }
        if (!class_exists('\tool_trigger\workflow_process') || !class_exists('\tool_trigger\workflow_manager')) {
            return ["This release of the Event Trigger plugin ($version) keeps workflows in another way."
                . ' Import the files of `rocket moodle workflows --out` by hand.'];
        }
        if ($this->act !== 'import' && $this->act !== 'check') {
            return [];
        }
        return $this->fault_of_guzzle($version);
    }

    /**
     * Moodle 4.4 and later bring Guzzle along. A plugin that loads a second copy ends PHP at the first send.
     */
    private function fault_of_guzzle(string $version): array {
        global $CFG;
        $file = $CFG->dirroot . '/admin/tool/trigger/classes/steps/actions/http_post_action_step.php';
        if (!is_dir($CFG->libdir . '/guzzlehttp') || !is_file($file)) {
            return [];
        }
        $changes = [];
        foreach (file($file) as $number => $line) {
            $number++;
            if (strpos($line, 'guzzle/autoloader.php') !== false && !preg_match('~^\s*(//|#|\*)~', $line)) {
                $changes[] = "line $number, remove:\n    " . trim($line);
            }
            if (strpos($line, 'GuzzleHttp\headers_from_lines(') !== false && !preg_match('~^\s*(//|#|\*)~', $line)) {
                $changes[] = "line $number, write:\n    "
                    . str_replace('GuzzleHttp\headers_from_lines(', 'GuzzleHttp\Utils::headersFromLines(', trim($line));
            }
        }
        if (!$changes) {
            return [];
        }
        return ["Moodle {$CFG->release} has the library Guzzle itself, and release $version of the Event Trigger"
            . " plugin loads a second copy of it: at the first event PHP would end without a word, and with it the"
            . " page of whoever caused the event. Change the plugin first, in\n$file\n\n" . implode("\n", $changes)
            . "\n\nThen run this script again. Or take Rocket's own plugin local_rocket, which has no such trouble."];
    }

    /**
     * Does what is to be done about one workflow; answers what that was.
     */
    private function one(array $workflow): string {
        global $DB;
        $found = array_values($DB->get_records(
            'tool_trigger_workflows',
            ['name' => $workflow['name'], 'event' => $workflow['event']],
            'id',
            'id'
        ));
        $changes = $this->act !== 'check';
        if ($this->act === 'undo') {
            foreach ($found as $row) {
                (new \tool_trigger\workflow_manager())->delete_workflow($row->id);
            }
            return $found ? 'removed' : 'not there';
        }
        if ($this->act === 'off') {
            foreach ($found as $row) {
                $DB->set_field('tool_trigger_workflows', 'enabled', 0, ['id' => $row->id]);
            }
            return $found ? 'switched off' : 'not there';
        }
        if (!class_exists($workflow['event']) || $workflow['event']::is_deprecated()) {
            return 'left out';
        }
        if ($changes) {
            $data = \tool_trigger\workflow_process::import_prep(json_encode($workflow));
            $data->workflowid = $found ? (int)$found[0]->id : 0;
            $data->workflowactive = 1;
            $data->workflowrealtime = 1;
            if (!(new \tool_trigger\workflow_process($data))->processform(0, true)) {
                fwrite(STDERR, "The plugin couldn't keep the workflow {$workflow['name']}.\n");
                exit(1);
            }
            // Copies, from imports by hand, would send everything twice.
            foreach (array_slice($found, 1) as $row) {
                (new \tool_trigger\workflow_manager())->delete_workflow($row->id);
            }
        }
        return $found ? 'updated' : 'added';
    }

    /**
     * The workflows as JSON.
     */
    private static function workflows(): string {
        return <<<'ROCKET_WORKFLOWS'
__WORKFLOWS__
ROCKET_WORKFLOWS;
    }
}
