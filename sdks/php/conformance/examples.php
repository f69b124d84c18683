<?php

/** Runs the snippet of the developers' page as it stands, and `examples/`, and asks the server. */

declare(strict_types=1);

namespace RocketLearning\Conformance;

use RocketLearning\Client;

const INSTALLED = __DIR__ . '/../../../build/sdks/php/vendor';
const PAGE = __DIR__ . '/../../../tests/fixtures/sdks/developer-resources.md';
const EXAMPLES = __DIR__ . '/../examples';

require INSTALLED . '/autoload.php';

/** The PHP block of the page's section on this SDK. */
function snippet(): string
{
    [, $section] = explode("\n### PHP SDK\n", (string) file_get_contents(PAGE));
    preg_match('/```php\n(.*?)```/s', explode("\n### ", $section)[0], $found);
    return $found[1];
}

/** What a program prints, in a folder that has `vendor`, with the environment in `$_ENV`. */
function printed_by(string $folder, string $program): string
{
    $command = [PHP_BINARY, '-d', 'variables_order=EGPCS', '-d', 'display_errors=stderr', $program];
    $process = proc_open($command, [1 => ['pipe', 'w']], $pipes, $folder);
    $output = (string) stream_get_contents($pipes[1]);
    $status = proc_close($process);
    expect("{$program} ends with", $status, 0);
    return $output;
}

/** The order of fields is the server's. */
function expect(string $what, mixed $found, mixed $expected): void
{
    if (is_array($found) && is_array($expected)) {
        ksort($found);
        ksort($expected);
    }
    if ($found !== $expected) {
        echo "{$what}: ", json_encode($found), ', expected ', json_encode($expected), "\n";
        exit(1);
    }
    echo "{$what}: as expected\n";
}

$folder = sys_get_temp_dir() . '/rocket-examples-' . bin2hex(random_bytes(6));
mkdir($folder);
symlink((string) realpath(INSTALLED), "{$folder}/vendor");
file_put_contents("{$folder}/snippet.php", snippet());
foreach (glob(EXAMPLES . '/*.php') ?: [] as $example) {
    copy($example, "{$folder}/" . basename($example));
}
$client = new Client();

expect('the snippet prints', printed_by($folder, 'snippet.php'), '');
[$event] = $client->events->list(['user_id' => 'user-123', 'event' => 'quiz.completed'])['events'];
expect('its event', $event['properties'], ['quiz_id' => 'quiz-456', 'score' => 85, 'time_taken_sec' => 1200]);
[$badge] = $client->users->getBadges('user-123')['badges'];
expect('its badge', $badge['badge_id'], 'quiz_master');
expect('what is told of it', $badge['metadata'], ['quiz_score' => 85, 'attempts' => 1]);

expect(
    'track_and_award.php',
    printed_by($folder, 'track_and_award.php'),
    "processed: 50 points\nnot yet: 75 points\nbalance: 75 points\n",
);
expect('track_batch.php', printed_by($folder, 'track_batch.php'), "30 processed, 0 failed\n");
expect('buffer_events.php', printed_by($folder, 'buffer_events.php'), "0 events wait\n");
expect('no dead letters', glob("{$folder}/*.jsonl"), []);

array_map(unlink(...), [...(glob("{$folder}/*.php") ?: []), "{$folder}/vendor"]);
rmdir($folder);
