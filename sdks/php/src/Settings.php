<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/** Everything that a client is made with, checked once. */
final class Settings
{
    public const VERSION = '1.0.0';
    public const ENVIRONMENTS = [
        'production' => 'https://api.rocketlearningrewards.com',
        'staging' => 'https://api.staging.rocketlearningrewards.com',
    ];

    private const OPTIONS = [
        'api_key', 'environment', 'base_url', 'timeout', 'retry', 'breaker', 'validate_events', 'logger',
        'clock', 'new_id', 'transport',
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
     * Settings with the key and the address from the configuration, else from the environment's variables.
     *
     * @param array<string, mixed> $config as for the constructor of Client
     * @throws ConfigurationException
     */
    public static function read(#[\SensitiveParameter] array $config): self
    {
        foreach (array_keys($config) as $name) {
            if (!in_array($name, self::OPTIONS, true)) {
                throw new ConfigurationException("{$name} is no option; there are " . implode(', ', self::OPTIONS));
            }
        }
        $key = (string) (($config['api_key'] ?? '') ?: (getenv('ROCKET_API_KEY') ?: ''));
        if (preg_match('/\A[\x21-\x7e]+\z/', $key) !== 1) {
            throw new ConfigurationException(
                $key === '' ? 'give api_key or set ROCKET_API_KEY' : 'api_key must be printable ASCII without blanks',
            );
        }
        $timeout = (float) ($config['timeout'] ?? 30.0);
        if ($timeout <= 0) {
            throw new ConfigurationException('timeout must be more than 0 seconds');
        }
        $watcher = new Watcher($config['logger'] ?? null);
        return new self(
            $key,
            self::baseUrl($config['base_url'] ?? null, $config['environment'] ?? null, getenv('ROCKET_BASE_URL') ?: null),
            $timeout,
            RetryPolicy::read($config['retry'] ?? []),
            CircuitBreaker::read($config['breaker'] ?? [], $watcher),
            (bool) ($config['validate_events'] ?? true),
            $watcher,
            new Stamps($config['clock'] ?? null, $config['new_id'] ?? null),
            $config['transport'] ?? new CurlTransport(),
        );
    }

    /**
     * The server's address without a slash at the end: the argument, else the variable, else the environment's.
     *
     * @throws ConfigurationException where it can't be one
     */
    public static function baseUrl(?string $argument, ?string $environment, ?string $variable): string
    {
        $name = $environment ?? 'production';
        if ($name !== '' && !isset(self::ENVIRONMENTS[$name])) {
            throw new ConfigurationException("environment '{$name}' is none of " . implode(', ', array_keys(self::ENVIRONMENTS)));
        }
        $url = trim((string) $argument) ?: (trim((string) $variable) ?: self::ENVIRONMENTS[$name ?: 'production']);
        $parts = parse_url($url);
        $fits = is_array($parts)
            && in_array(strtolower($parts['scheme'] ?? ''), ['http', 'https'], true)
            && ($parts['host'] ?? '') !== ''
            && preg_match('/[?#@\s\x00-\x1f]/', $url) !== 1;
        if (!$fits) {
            throw new ConfigurationException(
                'base_url must be http:// or https:// and a host, perhaps with a path, and nothing else',
            );
        }
        return rtrim($url, '/');
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
}
