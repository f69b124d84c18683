<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use PHPUnit\Framework\TestCase;
use RocketLearning\Client;
use RocketLearning\Exception\WebhookVerificationException;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\ScriptedTransport;
use RocketLearning\Transport;

/** The README promises nothing that isn't there. */
final class ReadmeTest extends TestCase
{
    /**
     * Each snippet runs, with a server that takes everything.
     *
     * @dataProvider snippets
     */
    public function testEverySnippetRuns(string $code): void
    {
        $transport = $this->createStub(Transport::class);
        $transport->method('send')->willReturn(ScriptedTransport::ok([
            'status' => 'processed',
            'points' => 50,
            'points_awarded' => 50,
            'entries' => [['points' => 50]],
            'next_cursor' => null,
        ]));
        $made = "new Client(['transport' => \$transport, 'api_key' => 'rk_test_key', ";
        $code = strtr($code, [
            "new Client(['api_key' => 'rk_live_…', " => $made,
            'new Client([' => $made,
            'getallheaders()' => '$headers',
        ]);
        $client = Calls::client($transport);
        [$rawBody, $headers, $secret] = self::webhook();
        ob_start();
        try {
            eval(str_contains($code, 'use RocketLearning\Client;') ? $code : "use RocketLearning\Client; {$code}");
        } finally {
            ob_end_clean();
        }
        self::assertInstanceOf(Client::class, $client);
        self::assertSame('ada', $event['user_id'] ?? 'ada');
        self::assertSame(str_contains($code, 'Webhook::'), isset($event));
    }

    /** @return list<array{string}> */
    public static function snippets(): array
    {
        preg_match_all('/```php\n(.*?)```/s', self::text(), $found);
        return array_map(static fn (string $code): array => [$code], $found[1]);
    }

    /** @return array{string, array<string, string>, string} a body, its headers and the secret */
    private static function webhook(): array
    {
        $body = '{"event": "course.completed", "user_id": "ada"}';
        $now = time();
        $signature = base64_encode(hash_hmac('sha256', "msg-1.{$now}.{$body}", 'a key of some length', true));
        $headers = ['webhook-id' => 'msg-1', 'webhook-timestamp' => "{$now}", 'webhook-signature' => "v1,{$signature}"];
        return [$body, $headers, 'whsec_' . base64_encode('a key of some length')];
    }

    /** The table of exceptions has all of them, and only those. */
    public function testEveryExceptionOfTheTableExists(): void
    {
        preg_match_all('/`(\w+Exception)`/', self::section('Exceptions'), $named);
        $there = [];
        foreach (glob(__DIR__ . '/../src/Exception/*.php') ?: [] as $file) {
            $name = basename($file, '.php');
            if (!is_subclass_of("RocketLearning\\Exception\\{$name}", WebhookVerificationException::class)) {
                $there[] = $name;
            }
        }
        self::assertEqualsCanonicalizing($there, array_unique($named[1]));
    }

    /** The table of calls names each method of each group. */
    public function testEveryCallOfTheTableExists(): void
    {
        $row = '/^\| `\$client(?:->(\w+))?` \| (.*) \|$/m';
        preg_match_all($row, self::section('What there is'), $rows, PREG_SET_ORDER);
        self::assertCount(7, $rows);
        foreach ($rows as [, $group, $calls]) {
            $methods = array_filter(
                Calls::group($group)->getMethods(\ReflectionMethod::IS_PUBLIC),
                static fn (\ReflectionMethod $method): bool => !str_starts_with($method->getName(), '__')
                    && !str_contains((string) $method->getDocComment(), '@internal'),
            );
            preg_match_all('/`(\w+)`/', $calls, $named);
            self::assertEqualsCanonicalizing(array_map(static fn ($method) => $method->getName(), $methods), $named[1]);
        }
    }

    private static function text(): string
    {
        return (string) file_get_contents(__DIR__ . '/../README.md');
    }

    private static function section(string $heading): string
    {
        [, $rest] = explode("\n## {$heading}\n", self::text());
        return explode("\n## ", $rest)[0];
    }
}
