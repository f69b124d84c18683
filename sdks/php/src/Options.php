<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/** Options given as an array. */
final class Options
{
    /**
     * @param array<mixed> $options
     * @param list<string> $known
     * @throws ConfigurationException for a name that is misspelt
     */
    public static function known(string $what, array $options, array $known): void
    {
        foreach (array_keys($options) as $name) {
            if (!in_array($name, $known, true)) {
                throw new ConfigurationException("{$what}.{$name} is no option; there are " . implode(', ', $known));
            }
        }
    }
}
