<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/**
 * Everything that a client is made with, checked once.
 *
 * @internal
 */
final class Settings
{
    public const VERSION = '1.0.0';

    private const ENVIRONMENTS = [
        'production' => 'https://api.rocketlearningrewards.com',
        'staging' => 'https://api.staging.rocketlearningrewards.com',
    ];
    private const OPTIONS = [
        'api_key', 'environment', 'base_url', 'timeout', 'retry', 'breaker', 'validate_events', 'logger',
        'transport', 'clock', 'new_id',
    ];

    private function __construct(
        #[\SensitiveParameter]
        private readonly string $apiKey,
        public readonly string $baseUrl,
        public readonly float $timeout,
        public readonly RetryPolicy $retry,
        public readonly CircuitBreaker $breaker,
        public readonly bool $validateEvents,
        public readonly Watcher $watcher,
        public readonly Stamps $stamps,
        public readonly Transport $transport,
    ) {
    }

    /**
     * The key and the address are those of the configuration, else those of the environment's variables.
     *
     * @param array<string, mixed> $config as for the constructor of Client
     * @throws ConfigurationException
     */
    public static function read(#[\SensitiveParameter] array $config): self
    {
        $options = new Options('client', $config, self::OPTIONS);
        $timeout = $options->number('timeout', 30.0);
        if ($timeout <= 0) {
            throw new ConfigurationException('client.timeout must be more than 0 seconds');
        }
        $watcher = new Watcher($options->value('logger'));
        $retry = $options->value('retry');
        return new self(
            self::apiKey($options->text('api_key') ?: self::variable('ROCKET_API_KEY')),
            self::baseUrl($options->text('base_url'), $options->text('environment'), self::variable('ROCKET_BASE_URL')),
            $timeout,
            $retry instanceof RetryPolicy ? $retry : RetryPolicy::read($options->group('retry')),
            CircuitBreaker::read($options->group('breaker'), $watcher),
            $options->flag('validate_events', true),
            $watcher,
            new Stamps($options->callable('clock'), $options->callable('new_id')),
            $options->value('transport') ?? new CurlTransport(),
        );
    }

    /** @return list<string> what every request has */
    public function headers(): array
    {
        return [
            "Authorization: Bearer {$this->apiKey}",
            'Accept: application/json',
            sprintf('User-Agent: rocket-learning-sdk-php/%s (PHP %s; curl)', self::VERSION, PHP_VERSION),
        ];
    }

    /** @return array<string, mixed> what may be printed: not the key */
    public function __debugInfo(): array
    {
        return ['baseUrl' => $this->baseUrl, 'timeout' => $this->timeout];
    }

    private static function apiKey(#[\SensitiveParameter] string $key): string
    {
        if ($key === '') {
            throw new ConfigurationException('give api_key or set ROCKET_API_KEY');
        }
        if (preg_match('/\A[\x21-\x7e]+\z/', $key) !== 1) {
            throw new ConfigurationException('client.api_key must be printable ASCII without blanks');
        }
        return $key;
    }

    /** The server's address without a slash at the end: the argument, else the variable, else the environment's. */
    private static function baseUrl(?string $argument, ?string $environment, string $variable): string
    {
        $name = $environment ?: 'production';
        $hosted = self::ENVIRONMENTS[$name] ?? null;
        if ($hosted === null) {
            $known = implode(', ', array_keys(self::ENVIRONMENTS));
            throw new ConfigurationException("client.environment '{$name}' is none of {$known}");
        }
        $url = trim((string) $argument) ?: (trim($variable) ?: $hosted);
        $parts = parse_url($url);
        $fits = is_array($parts)
            && in_array(strtolower($parts['scheme'] ?? ''), ['http', 'https'], true)
            && ($parts['host'] ?? '') !== ''
            && preg_match('/[?#@\s\x00-\x1f]/', $url) !== 1;
        if (!$fits) {
            throw new ConfigurationException(
                'client.base_url must be http:// or https:// and a host, perhaps with a path, and nothing else',
            );
        }
        return rtrim($url, '/');
    }

    /** A variable of the environment, also where a reader of `.env` keeps it; or the empty text. */
    private static function variable(string $name): string
    {
        return getenv($name) ?: (string) ($_ENV[$name] ?? '');
    }
}
