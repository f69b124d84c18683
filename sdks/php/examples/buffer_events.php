<?php

/** Events from a busy program: sent in batches, and kept where they can't be sent. */

require_once 'vendor/autoload.php';

use RocketLearning\Client;

$client = new Client();
$buffer = $client->buffer(['max_size' => 50, 'dead_letter_file' => 'dead-letters.jsonl']);
for ($lesson = 0; $lesson < 120; $lesson++) {
    $buffer->add([
        'event' => 'lesson.completed',
        'user_id' => 'linus',
        'properties' => ['lesson_id' => "lesson-{$lesson}"],
    ]);
}
$buffer->flush();
echo "{$buffer->waiting()} events wait\n";
