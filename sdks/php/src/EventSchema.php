<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ConfigurationException;

/**
 * A schema of the caller's own, such as `['properties' => ['course_id' => ['type' => 'string', 'required' => true]]]`.
 *
 * An array whose `type` is a text is a rule (`type`, `required`, `min`, `max`); every other one is a group of
 * rules by name.
 *
 * @internal
 * @phpstan-import-type FieldError from Checks
 */
final class EventSchema
{
    private const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array'];
    private const KEYS = ['type', 'required', 'min', 'max'];
    private const WITH_BOUNDS = ['number', 'integer', 'string', 'array'];

    /** @param array<string, mixed> $fields rules and groups of rules that were looked through */
    private function __construct(private readonly array $fields)
    {
    }

    /**
     * @param array<string, mixed>|\stdClass $schema
     * @throws ConfigurationException naming the path of what can't be meant
     */
    public static function read(array|\stdClass $schema): self
    {
        $fields = [];
        foreach (Value::fields($schema) as $name => $field) {
            $fields[Normaliser::EVENT_ALIASES[$name] ?? $name] = self::field($field, (string) $name);
        }
        return new self($fields);
    }

    /**
     * @param array<string, mixed> $event normalised
     * @return list<FieldError> everything in which it differs from the schema
     */
    public function errors(array $event): array
    {
        return self::groupErrors($this->fields, $event, '');
    }

    /** @return array<string, mixed> */
    private static function field(mixed $field, string $path): array
    {
        if (!Value::isObject($field)) {
            throw new ConfigurationException("{$path}: must be a rule with a type, or a group of rules");
        }
        $field = Value::fields($field);
        if (!is_string($field['type'] ?? null)) {
            $group = [];
            foreach ($field as $name => $inner) {
                $group[$name] = self::field($inner, "{$path}.{$name}");
            }
            return ['group' => $group];
        }
        return ['rule' => self::rule($field, $path)];
    }

    /**
     * @param array<string, mixed> $rule
     * @return array<string, mixed>
     */
    private static function rule(array $rule, string $path): array
    {
        foreach (array_diff(array_keys($rule), self::KEYS) as $name) {
            $known = implode(', ', self::KEYS);
            throw new ConfigurationException("{$path}.{$name}: unknown; a rule has {$known}");
        }
        if (!in_array($rule['type'], self::TYPES, true)) {
            $types = implode(', ', self::TYPES);
            throw new ConfigurationException("{$path}.type: '{$rule['type']}' is none of {$types}");
        }
        if (!is_bool($rule['required'] ?? false)) {
            throw new ConfigurationException("{$path}.required: must be true or false");
        }
        foreach (['min', 'max'] as $name) {
            $bound = $rule[$name] ?? null;
            if ($bound !== null && (!Value::isNumber($bound) || !in_array($rule['type'], self::WITH_BOUNDS, true))) {
                throw new ConfigurationException(
                    "{$path}.{$name}: must be a number, for a number, a string or an array",
                );
            }
        }
        if (isset($rule['min'], $rule['max']) && $rule['min'] > $rule['max']) {
            throw new ConfigurationException("{$path}.min: must not be more than max");
        }
        return $rule + ['required' => false, 'min' => null, 'max' => null];
    }

    /**
     * @param array<string, mixed> $fields
     * @param array<string, mixed> $values
     * @return list<FieldError>
     */
    private static function groupErrors(array $fields, array $values, string $prefix): array
    {
        $errors = [];
        foreach ($fields as $name => $field) {
            $value = $values[$name] ?? null;
            $path = $prefix . $name;
            if (isset($field['rule'])) {
                $message = self::broken($field['rule'], $value);
                if ($message !== null) {
                    $errors[] = ['path' => $path, 'message' => $message];
                }
            } elseif (Value::isAbsent($value) || Value::isObject($value)) {
                $inner = Value::isAbsent($value) ? [] : Value::fields($value);
                $errors = [...$errors, ...self::groupErrors($field['group'], $inner, "{$path}.")];
            } else {
                $errors[] = ['path' => $path, 'message' => 'must be an object'];
            }
        }
        return $errors;
    }

    /** @param array<string, mixed> $rule */
    private static function broken(array $rule, mixed $value): ?string
    {
        if (Value::isAbsent($value)) {
            return $rule['required'] ? 'is required' : null;
        }
        $fits = match ($rule['type']) {
            'string' => is_string($value),
            'number' => Value::isNumber($value),
            'integer' => Value::isWhole($value),
            'boolean' => is_bool($value),
            'object' => Value::isObject($value),
            'array' => is_array($value) && array_is_list($value),
        };
        if (!$fits) {
            return "must be of type {$rule['type']}";
        }
        [$size, $unit] = match ($rule['type']) {
            'string' => [Value::length($value), ' characters'],
            'array' => [count($value), ' items'],
            'number', 'integer' => [$value, ''],
            default => [0, ''],
        };
        if ($rule['min'] !== null && $size < $rule['min']) {
            return "must be at least {$rule['min']}{$unit}";
        }
        if ($rule['max'] !== null && $size > $rule['max']) {
            return "must be at most {$rule['max']}{$unit}";
        }
        return null;
    }
}
