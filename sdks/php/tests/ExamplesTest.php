<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use PHPUnit\Framework\TestCase;
use RocketLearning\CurlTransport;
use RocketLearning\Exception\NetworkException;

/** The receiver among the examples; the others run against a real server in `conformance/examples`. */
final class ExamplesTest extends TestCase
{
    private const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';

    /** What was signed is taken, and the same with one character changed isn't. */
    public function testTheReceiverBelievesOnlyTheServer(): void
    {
        $body = '{"event": "course.completed", "user_id": "ada", "points_awarded": 50}';
        $signed = sprintf('msg-1.%d.%s', $now = time(), $body);
        $key = (string) base64_decode(substr(self::SECRET, strlen('whsec_')), true);
        $headers = [
            'webhook-id: msg-1',
            "webhook-timestamp: {$now}",
            'webhook-signature: v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true)),
        ];
        [$process, $url] = self::start();
        try {
            $transport = new CurlTransport();
            self::assertSame(204, $transport->send('POST', $url, $headers, $body, 30.0)->status);
            self::assertSame(401, $transport->send('POST', $url, $headers, "{$body} ", 30.0)->status);
            self::assertSame(401, $transport->send('GET', $url, [], null, 30.0)->status);
        } finally {
            proc_terminate($process);
            proc_close($process);
        }
    }

    /**
     * The receiver in PHP's own server, at a free port.
     *
     * @return array{resource, string} the process and its address
     */
    private static function start(): array
    {
        $probe = stream_socket_server('tcp://127.0.0.1:0');
        $address = stream_socket_get_name($probe, false);
        fclose($probe);
        $process = proc_open(
            [PHP_BINARY, '-S', $address, __DIR__ . '/../examples/receive_webhooks.php'],
            [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']],
            $pipes,
            __DIR__ . '/..',
            ['WEBHOOK_SECRET' => self::SECRET] + getenv(),
        );
        for ($try = 0; $try < 200; $try++) {
            try {
                (new CurlTransport())->send('GET', "http://{$address}/", [], null, 30.0);
                break;
            } catch (NetworkException) {
                usleep(50_000);
            }
        }
        return [$process, "http://{$address}/"];
    }
}
