<?php

/** A receiver of webhooks that believes only the server: `php -S 127.0.0.1:3000 receive_webhooks.php`. */

require_once 'vendor/autoload.php';

use RocketLearning\Exception\WebhookVerificationException;
use RocketLearning\Webhook;

$body = (string) file_get_contents('php://input');
try {
    $event = Webhook::verify($body, getallheaders(), (string) getenv('WEBHOOK_SECRET'));
} catch (WebhookVerificationException $refused) {
    error_log("refused: {$refused->getMessage()}");
    http_response_code(401);
    exit;
}
error_log("{$event['event']} of {$event['user_id']}: {$event['points_awarded']} points");
http_response_code(204);
