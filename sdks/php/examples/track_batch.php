<?php

/** Many events in one request. */

require_once 'vendor/autoload.php';

use RocketLearning\Client;
use RocketLearning\TestEvents;

$client = new Client();
$answer = $client->events->trackBatch(TestEvents::generate('grace', 30));
echo "{$answer['processed']} processed, {$answer['failed']} failed\n";
foreach ($answer['results'] as $result) {
    if ($result['status'] === 'failed') {
        echo "{$result['index']}: {$result['error']}\n";
    }
}
