<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

use RocketLearning\Client;
use RocketLearning\Transport;

/** Calls by their names in the cases, such as `users.get_balance`. */
final class Calls
{
    /** @param array<string, mixed> $config */
    public static function client(Transport $transport, array $config = []): Client
    {
        return new Client($config + [
            'api_key' => 'rk_test_key',
            'base_url' => 'http://rocket.test',
            'retry' => ['base_delay' => 0, 'max_retry_after' => 0],
            'transport' => $transport,
        ]);
    }

    /** The class of a group of calls, such as `users`; the client's own are the group without a name. */
    public static function group(string $name): \ReflectionClass
    {
        return new \ReflectionClass(
            $name === '' ? Client::class : (string) (new \ReflectionProperty(Client::class, $name))->getType(),
        );
    }

    /** The method behind a name. */
    public static function method(string $call): \ReflectionMethod
    {
        [$group, $name] = str_contains($call, '.') ? explode('.', $call) : ['', $call];
        return self::group($group)->getMethod(lcfirst(str_replace('_', '', ucwords($name, '_'))));
    }

    /**
     * Makes a call. What is no parameter of its own goes into the array.
     *
     * @param array<string, mixed> $arguments
     * @return array<string, mixed>
     */
    public static function make(Client $client, string $call, array $arguments): array
    {
        $given = [];
        foreach (self::method($call)->getParameters() as $parameter) {
            $name = self::wireName($parameter->getName());
            if ((string) $parameter->getType() === 'array') {
                $given[$parameter->getName()] = $arguments;
                $arguments = [];
            } elseif (array_key_exists($name, $arguments)) {
                $given[$parameter->getName()] = $arguments[$name];
                unset($arguments[$name]);
            }
        }
        if ($arguments !== []) {
            throw new \LogicException("{$call} has no " . implode(', ', array_keys($arguments)));
        }
        $object = str_contains($call, '.') ? $client->{strstr($call, '.', true)} : $client;
        return self::method($call)->invokeArgs($object, $given);
    }

    /** A name of PHP as the wire writes it. */
    public static function wireName(string $name): string
    {
        return strtolower((string) preg_replace('/(?<=[a-z])(?=[A-Z])/', '_', $name));
    }
}
