<?php

/** The first calls: an event, points, a badge, a balance. */

require_once 'vendor/autoload.php';

use RocketLearning\Client;
use RocketLearning\Exception\InsufficientPointsException;

$client = new Client(); // ROCKET_API_KEY and ROCKET_BASE_URL

$tracked = $client->events->track([
    'event' => 'course.completed',
    'user_id' => 'ada',
    'properties' => ['course_id' => 'php-101', 'progress_pct' => 100],
]);
echo "{$tracked['status']}: {$tracked['points_awarded']} points\n";

$client->points->award(['user_id' => 'ada', 'points' => 25, 'reason' => 'Helped in the forum']);
$client->badges->award(['user_id' => 'ada', 'badge_id' => 'quiz_master']);

try {
    $client->points->deduct(['user_id' => 'ada', 'points' => 1_000_000, 'reason' => 'A rocket']);
} catch (InsufficientPointsException $error) {
    echo "not yet: {$error->details['balance']} points\n";
}

echo "balance: {$client->users->getBalance('ada')['points']} points\n";
