<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

use RocketLearning\Answer;
use RocketLearning\Exception\TransportException;
use RocketLearning\Transport;

/** A network that answers in turn, and remembers what it was asked. */
final class ScriptedTransport implements Transport
{
    /** @var list<\stdClass> what was asked: method, url, headers (by name in lower case), body, timeout */
    public array $seen = [];

    /** @var list<Answer|TransportException> */
    private array $answers;

    public function __construct(Answer|TransportException ...$answers)
    {
        $this->answers = array_values($answers);
    }

    /** @param array<string, mixed> $body */
    public static function ok(array $body = []): Answer
    {
        return new Answer(200, [], json_encode((object) $body, JSON_THROW_ON_ERROR));
    }

    public static function status(int $status): Answer
    {
        return new Answer($status, [], '');
    }

    public function send(string $method, string $url, array $headers, ?string $body, float $timeout): Answer
    {
        $named = [];
        foreach ($headers as $header) {
            [$name, $value] = explode(': ', $header, 2);
            $named[strtolower($name)] = $value;
        }
        $this->seen[] = (object) [...compact('method', 'url', 'body', 'timeout'), 'headers' => $named];
        $answer = array_shift($this->answers) ?? throw new \LogicException("nobody expected {$method} {$url}");
        return $answer instanceof Answer ? $answer : throw $answer;
    }
}
