<?php

/** Does what `sdks/conformance/README.md` says: `driver.php run`, `driver.php buffer N`, `driver.php exit`. */

declare(strict_types=1);

namespace RocketLearning\Conformance;

use RocketLearning\Client;
use RocketLearning\Exception\ApiException;
use RocketLearning\Exception\RocketException;
use RocketLearning\Exception\ValidationException;

require __DIR__ . '/../../../build/sdks/php/vendor/autoload.php';
require __DIR__ . '/Scenarios.php';

const WAIT_S = 120;

/** The name of an error in the cases, where they end in `Error`. */
function name_of(RocketException $error): string
{
    return preg_replace('/Exception$/', 'Error', (new \ReflectionClass($error))->getShortName());
}

/**
 * What is told of an error; some scenarios ask for more.
 *
 * @return array<string, mixed>
 */
function facts_of(string $scenario, RocketException $error): array
{
    $facts = ['outcome' => name_of($error)];
    if ($error instanceof ValidationException) {
        $facts['paths'] = array_column($error->errors, 'path');
    }
    if ($error instanceof ApiException) {
        $facts['status'] = $error->status;
        $facts['code'] = $error->errorCode;
        $facts['has_request_id'] = $error->requestId !== null;
        $facts += match ($scenario) {
            'bad_request' => ['paths' => array_column($error->details['errors'], 'path')],
            'insufficient_points' => ['balance' => $error->details['balance']],
            'rate_limited_for_good' => ['retry_after' => $error->retryAfter],
            default => [],
        };
    }
    if (isset($facts['paths'])) {
        sort($facts['paths']);
    }
    return $facts;
}

/** All scenarios, each announced first. */
function run(Scenarios $scenarios): void
{
    foreach ($scenarios->all() as $name => $scenario) {
        $post = stream_context_create(['http' => ['method' => 'POST', 'content' => '']]);
        file_get_contents(getenv('ROCKET_FAULTS_URL') . "/{$name}", context: $post);
        try {
            $facts = ['outcome' => 'ok'] + $scenario();
        } catch (RocketException $error) {
            $facts = facts_of($name, $error);
        }
        tell(['scenario' => $name] + $facts);
    }
}

/** So many events through a buffer, however the server fares. */
function fill_buffer(string $run, int $count): void
{
    $dead = 0;
    $client = new Client(['timeout' => 10, 'retry' => ['base_delay' => 0.1], 'breaker' => ['reset' => 1]]);
    $buffer = $client->buffer([
        'capacity' => $count,
        'flush_interval' => 0.2,
        'on_dead_letter' => static function () use (&$dead): void {
            $dead++;
        },
    ]);
    for ($index = 0; $index < $count; $index++) {
        $buffer->add(lesson("{$run}-" . $index % 100, "lesson-{$index}"));
    }
    $until = time() + WAIT_S;
    while ($buffer->waiting() > 0 && time() < $until) {
        usleep(50_000);
        $buffer->tick();
    }
    if ($buffer->waiting() > 0) {
        throw new \RuntimeException("{$buffer->waiting()} events still wait");
    }
    $buffer->close();
    tell(['scenario' => 'buffer', 'outcome' => 'ok', 'added' => $count, 'dead' => $dead]);
}

/** A program that ends without a word. */
function fill_and_end(string $run): void
{
    $buffer = (new Client(Scenarios::CONFIG))->buffer();
    for ($index = 0; $index < 7; $index++) {
        $buffer->add(lesson("{$run}-exit", "lesson-{$index}"));
    }
    exit(0);
}

/**
 * @return array<string, mixed> an event
 */
function lesson(string $learner, string $lesson): array
{
    return ['event' => 'lesson.completed', 'user_id' => $learner, 'properties' => ['lesson_id' => $lesson]];
}

/** @param array<string, mixed> $line */
function tell(array $line): void
{
    echo json_encode($line, JSON_THROW_ON_ERROR), "\n";
}

$run = (string) getenv('ROCKET_RUN');
match ($argv[1] ?? '') {
    'run' => run(new Scenarios($run)),
    'buffer' => fill_buffer($run, (int) $argv[2]),
    'exit' => fill_and_end($run),
};
