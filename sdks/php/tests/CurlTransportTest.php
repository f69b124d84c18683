<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use PHPUnit\Framework\TestCase;
use RocketLearning\Answer;
use RocketLearning\CurlTransport;
use RocketLearning\Exception\NetworkException;
use RocketLearning\Exception\RequestTimeoutException;
use RocketLearning\Tests\Support\RawServer;

/** The network as it is: whole answers, and everything that can go wrong on the way. */
final class CurlTransportTest extends TestCase
{
    /** A request arrives with its method, headers and body, and the answer comes back whole. */
    public function testARequestAndItsAnswer(): void
    {
        $server = new RawServer([RawServer::answer(201, '{"é": 1}', 'X-Request-ID:  r-1 '), 'close']);
        $answer = (new CurlTransport())->send('POST', "{$server->url}/v1/x?y=1", ['X-Mine: z'], '{"a": "ü"}', 30.0);
        self::assertEquals(201, $answer->status);
        self::assertSame('{"é": 1}', $answer->body);
        self::assertSame('r-1', $answer->headers['x-request-id']);
        $request = $server->request();
        self::assertStringStartsWith("POST /v1/x?y=1 HTTP/1.1\r\n", $request);
        self::assertStringContainsString("\r\nX-Mine: z\r\n", $request);
        self::assertStringEndsWith("\r\n\r\n{\"a\": \"ü\"}", $request);
        self::assertStringNotContainsStringIgnoringCase('expect:', $request);
    }

    /** A read after a write has neither its body nor its headers. */
    public function testNothingIsLeftOfTheRequestBefore(): void
    {
        $ok = [RawServer::answer(200, '{}'), 'close'];
        $server = new RawServer($ok, $ok);
        $transport = new CurlTransport();
        $transport->send('POST', $server->url, ['Idempotency-Key: k'], '{"a": 1}', 30.0);
        $transport->send('GET', $server->url, [], null, 30.0);
        $server->request();
        $second = $server->request();
        self::assertStringStartsWith('GET / ', $second);
        self::assertStringNotContainsStringIgnoringCase('idempotency-key', $second);
        self::assertStringNotContainsStringIgnoringCase('content-', $second);
    }

    /** A redirect is an answer: the key goes nowhere else. */
    public function testARedirectIsntFollowed(): void
    {
        $server = new RawServer([RawServer::answer(302, '', 'Location: http://127.0.0.1:9/'), 'close']);
        self::assertSame(302, (new CurlTransport())->send('GET', $server->url, [], null, 30.0)->status);
    }

    /**
     * A connection that breaks, at whatever moment, is an error of the network.
     *
     * @dataProvider breaks
     */
    public function testAConnectionThatBreaks(string $answer, string $then): void
    {
        $server = new RawServer([$answer, $then]);
        $this->expectException(NetworkException::class);
        (new CurlTransport())->send('GET', $server->url, [], null, 30.0);
    }

    /** @return array<string, array{string, string}> */
    public static function breaks(): array
    {
        $whole = RawServer::answer(200, '{"status": "ok"}');
        return [
            'before the answer' => ['', 'close'],
            'reset before the answer' => ['', 'reset'],
            'in the headers' => [substr($whole, 0, 30), 'close'],
            'in the body' => [substr($whole, 0, -3), 'close'],
            'in a chunk' => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"sta", 'close'],
            'not HTTP at all' => ["SSH-2.0-OpenSSH_9.9\r\n", 'close'],
            'headers without an end' => ["HTTP/1.1 200 OK\r\n" . str_repeat("X-More: 1\r\n", 1000), 'hang'],
            'a body without an end' => ["HTTP/1.1 200 OK\r\n\r\n", 'flood'],
        ];
    }

    /**
     * A server that never gets to the end holds a call no longer than its time-out.
     *
     * @dataProvider stalls
     */
    public function testAnAnswerThatDoesntEnd(string $answer, string $then): void
    {
        $server = new RawServer([$answer, $then]);
        $this->expectException(RequestTimeoutException::class);
        (new CurlTransport())->send('GET', $server->url, [], null, 0.2);
    }

    /** @return array<string, array{string, string}> */
    public static function stalls(): array
    {
        $whole = RawServer::answer(200, '{"status": "ok"}');
        return [
            'nothing comes' => ['', 'hang'],
            'half comes' => [substr($whole, 0, -3), 'hang'],
            'drop by drop' => ["HTTP/1.1 200 OK\r\n\r\n", 'drip'],
        ];
    }

    /** Where nobody listens, that is an error of the network. */
    public function testNobodyListens(): void
    {
        $this->expectException(NetworkException::class);
        (new CurlTransport())->send('GET', 'http://127.0.0.1:9/', [], null, 30.0);
    }

    /** Neither files nor other protocols can be reached, whatever the address. */
    public function testOnlyHttp(): void
    {
        $this->expectException(NetworkException::class);
        $this->expectExceptionMessageMatches('/protocol/i');
        (new CurlTransport())->send('GET', 'file:///etc/hostname', [], null, 30.0);
    }

    /** An interim answer, as `100 Continue`, isn't the answer. */
    public function testAnInterimAnswerIsPassedOver(): void
    {
        $interim = "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n";
        $server = new RawServer([$interim . RawServer::answer(200, '{}'), 'close']);
        $answer = (new CurlTransport())->send('GET', $server->url, [], null, 30.0);
        self::assertEquals(new Answer(200, ['content-length' => '2', 'connection' => 'close'], '{}'), $answer);
    }
}
