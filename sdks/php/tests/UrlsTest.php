<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use RocketLearning\Client;
use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\ValidationException;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\CaseTestCase;
use RocketLearning\Tests\Support\ScriptedTransport;

/** Which server is called, under which address, and with which key. */
final class UrlsTest extends CaseTestCase
{
    protected function tearDown(): void
    {
        putenv('ROCKET_BASE_URL');
        putenv('ROCKET_API_KEY');
        $_ENV['ROCKET_API_KEY'] = '';
    }

    /**
     * The argument goes first, then the variable, then the environment; others are refused.
     *
     * @dataProvider baseUrls
     */
    public function testTheBaseUrl(\stdClass $case): void
    {
        putenv('ROCKET_BASE_URL' . ($case->env === null ? '' : "={$case->env}"));
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        if ($case->refused ?? false) {
            $this->expectException(ConfigurationException::class);
        }
        $client = Calls::client($transport, [
            'base_url' => $case->argument,
            'environment' => $case->environment,
        ]);
        $client->health();
        self::assertSame("{$case->base_url}/v1/health", $transport->seen[0]->url);
    }

    /** @return array<string, array{\stdClass}> */
    public static function baseUrls(): array
    {
        return Cases::list('urls', 'base_url');
    }

    /**
     * Each call has its method, path and query, and ids can't lead elsewhere.
     *
     * @dataProvider requests
     */
    public function testTheAddressOfEachCall(\stdClass $case): void
    {
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        $client = Calls::client($transport, ['base_url' => $case->base_url]);
        $errors = [];
        try {
            Calls::make($client, $case->call, (array) Cases::native($case->arguments));
        } catch (ValidationException $refused) {
            $errors = array_column($refused->errors, 'path');
        }
        self::assertSame($case->errors ?? [], $errors);
        self::assertCount($errors === [] ? 1 : 0, $transport->seen);
        if ($errors === []) {
            [$address, $query] = explode('?', $transport->seen[0]->url . '?');
            parse_str($query, $decoded);
            self::assertSame([$case->method, $case->url], [$transport->seen[0]->method, $address]);
            self::assertEquals((array) $case->query, $decoded);
        }
    }

    /** @return array<string, array{\stdClass}> */
    public static function requests(): array
    {
        return Cases::list('urls', 'requests');
    }

    /** Without an argument the key is ROCKET_API_KEY. */
    public function testTheKeyComesFromTheEnvironment(): void
    {
        putenv('ROCKET_API_KEY=rk_test_env');
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        (new Client(['transport' => $transport]))->health();
        self::assertSame('Bearer rk_test_env', $transport->seen[0]->headers['authorization']);
    }

    /** Where a reader of `.env` sets only `$_ENV`, that is read. */
    public function testTheKeyMayStandInEnv(): void
    {
        $_ENV['ROCKET_API_KEY'] = 'rk_test_dotenv';
        $transport = new ScriptedTransport(ScriptedTransport::ok());
        (new Client(['transport' => $transport]))->health();
        self::assertSame('Bearer rk_test_dotenv', $transport->seen[0]->headers['authorization']);
    }

    /** A key that would break a header, or none at all, is an error at once. */
    public function testAKeyThatCantBeOneIsRefused(): void
    {
        foreach (['', 'rk test', "rk\n", 'rk_é'] as $key) {
            try {
                new Client(['api_key' => $key]);
                self::fail("{$key} was taken");
            } catch (ConfigurationException $refused) {
                self::assertStringContainsString('api_key', $refused->getMessage());
            }
        }
    }

    /** Neither a client that is printed, nor one that is dumped, shows the key. */
    public function testTheKeyIsNeverShown(): void
    {
        $client = new Client(['api_key' => 'rk_test_secret', 'base_url' => 'http://rocket.test']);
        ob_start();
        var_dump($client);
        print_r($client->events);
        self::assertStringNotContainsString('rk_test_secret', (string) ob_get_clean());
    }

    /** Production and staging have the addresses of the cases. */
    public function testTheEnvironmentsAreThoseOfTheCases(): void
    {
        foreach ((array) Cases::file('urls')->environments as $name => $url) {
            $transport = new ScriptedTransport(ScriptedTransport::ok());
            Calls::client($transport, ['base_url' => null, 'environment' => $name])->health();
            self::assertSame("{$url}/v1/health", $transport->seen[0]->url);
        }
    }
}
