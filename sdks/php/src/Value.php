<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * What PHP's values are in JSON. Pure.
 *
 * @internal
 */
final class Value
{
    private const MAX_DEPTH = 32; // objects and lists inside one another; the server takes 20

    /** Null and the empty text say nothing, like a field that isn't there. */
    public static function isAbsent(mixed $value): bool
    {
        return $value === null || $value === '';
    }

    /** An array with names, or an object without a class; the empty array is both an object and a list. */
    public static function isObject(mixed $value): bool
    {
        return $value instanceof \stdClass || (is_array($value) && ($value === [] || !array_is_list($value)));
    }

    /** @return array<string, mixed> the fields of what `isObject` takes */
    public static function fields(mixed $object): array
    {
        return (array) $object;
    }

    public static function isWhole(mixed $value): bool
    {
        return is_int($value) || (is_float($value) && is_finite($value) && floor($value) === $value);
    }

    public static function isNumber(mixed $value): bool
    {
        return is_int($value) || is_float($value);
    }

    /** Characters (code points) of a text. */
    public static function length(string $text): int
    {
        return preg_match_all('/./su', $text) ?: 0;
    }

    public static function isText(mixed $value): bool
    {
        return is_string($value) && preg_match('//u', $value) === 1;
    }

    /**
     * The same with each time in it as text, and with what other objects say that they are in JSON.
     *
     * @param list<array{path: string, message: string}> $errors what JSON can't say is added here
     */
    public static function written(mixed $value, string $path, array &$errors, int $depth = 0): mixed
    {
        if ($value === null || is_bool($value) || is_int($value) || self::isText($value)) {
            return $value;
        }
        if (is_float($value) && is_finite($value)) {
            return $value;
        }
        if ($value instanceof \DateTimeInterface) {
            return Stamps::rfc3339($value);
        }
        if ($value instanceof \BackedEnum) {
            return $value->value;
        }
        if ($depth < self::MAX_DEPTH && $value instanceof \JsonSerializable) {
            return self::written($value->jsonSerialize(), $path, $errors, $depth + 1);
        }
        if ($depth < self::MAX_DEPTH && (is_array($value) || $value instanceof \stdClass)) {
            $isList = is_array($value) && array_is_list($value);
            $written = [];
            foreach (self::fields($value) as $name => $inner) {
                $where = $isList ? "{$path}[{$name}]" : "{$path}.{$name}";
                $written[$name] = self::written($inner, $where, $errors, $depth + 1);
            }
            return $isList ? $written : (object) $written;
        }
        $errors[] = ['path' => $path, 'message' => "JSON can't say it: " . get_debug_type($value)];
        return null;
    }

    /** @throws \JsonException */
    public static function json(mixed $value): string
    {
        return json_encode(
            $value,
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION,
        );
    }
}
