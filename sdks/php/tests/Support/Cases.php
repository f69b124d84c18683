<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

/** Reads the shared cases of `sdks/cases`. */
final class Cases
{
    private const FOLDER = __DIR__ . '/../../../cases';

    /** A whole file of cases; objects in it are as PHP's own reader makes them. */
    public static function file(string $name): \stdClass
    {
        $text = (string) file_get_contents(self::FOLDER . "/{$name}.json");
        return json_decode($text, false, flags: JSON_THROW_ON_ERROR);
    }

    /**
     * One list of a file for a test, by the ids that its cases have in the report.
     *
     * @return array<string, array{\stdClass}>
     */
    public static function list(string $name, string $kind = 'cases'): array
    {
        $found = [];
        foreach (self::file($name)->{$kind} as $case) {
            $found["{$name}/{$kind}/{$case->name}"] = [$case];
        }
        return $found;
    }

    /**
     * The same as a program writes it: objects are arrays with names, and `{"$time": …}` is a time.
     *
     * What such an array can't say, an object without fields or with those of a list, stays an object.
     */
    public static function native(mixed $value): mixed
    {
        if ($value instanceof \stdClass) {
            $fields = array_map(self::native(...), (array) $value);
            if (array_keys($fields) === ['$time']) {
                return new \DateTimeImmutable($fields['$time']);
            }
            return array_is_list($fields) ? (object) $fields : $fields;
        }
        return is_array($value) ? array_map(self::native(...), $value) : $value;
    }
}
