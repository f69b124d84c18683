<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/**
 * Options given as an array, each read by its name. Null is the same as not given.
 *
 * @internal
 */
final class Options
{
    /**
     * @param string $of whose options they are, for messages
     * @param array<mixed> $given
     * @param list<string> $known
     * @throws ConfigurationException for a name that is misspelt
     */
    public function __construct(
        private readonly string $of,
        #[\SensitiveParameter]
        private readonly array $given,
        array $known,
    ) {
        foreach (array_keys($given) as $name) {
            if (!in_array($name, $known, true)) {
                throw new ConfigurationException("{$of}.{$name} is no option; there are " . implode(', ', $known));
            }
        }
    }

    /** Whatever was given. */
    public function value(string $name): mixed
    {
        return $this->given[$name] ?? null;
    }

    public function text(string $name): ?string
    {
        $value = $this->value($name);
        return $value === null || is_string($value) ? $value : $this->refuse($name, 'a text');
    }

    public function flag(string $name, bool $default): bool
    {
        $value = $this->value($name) ?? $default;
        return is_bool($value) ? $value : $this->refuse($name, 'true or false');
    }

    /** A number, also one in a text, as variables of the environment have it. */
    public function number(string $name, float $default): float
    {
        $value = $this->value($name) ?? $default;
        $fits = !is_bool($value) && is_numeric($value) && is_finite((float) $value);
        return $fits ? (float) $value : $this->refuse($name, 'a number');
    }

    public function whole(string $name, int $default): int
    {
        $number = $this->number($name, (float) $default);
        return Value::isWhole($number) ? (int) $number : $this->refuse($name, 'a whole number');
    }

    public function callable(string $name): ?\Closure
    {
        $value = $this->value($name);
        if ($value === null) {
            return null;
        }
        return is_callable($value) ? $value(...) : $this->refuse($name, 'callable');
    }

    /** @return array<mixed> */
    public function group(string $name): array
    {
        $value = $this->value($name) ?? [];
        return is_array($value) ? $value : $this->refuse($name, 'an array');
    }

    private function refuse(string $name, string $wanted): never
    {
        throw new ConfigurationException("{$this->of}.{$name} must be {$wanted}");
    }
}
