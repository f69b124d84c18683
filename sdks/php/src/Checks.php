<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * The event schema and those of awards, checked before anything is sent. Pure, and never stricter than the
 * server.
 *
 * @internal
 * @phpstan-type FieldError array{path: string, message: string}
 */
final class Checks
{
    public const MAX_BATCH = 10_000; // events
    private const MAX_EVENT = 100; // characters of an event's name
    private const MAX_ID = 255; // characters of any id
    private const MAX_POINTS = 1_000_000;
    private const MAX_REASON = 1_000; // characters
    private const IDS = ['course_id', 'section_id', 'lesson_id', 'quiz_id', 'attempt_id', 'object_id'];
    private const EARLIEST_S = 946_684_800; // the year 2000
    private const MILLISECONDS_FROM = 1e11; // as seconds that would be the year 5138
    private const TIME = '/\A(?:\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:[Zz]|[+-]\d\d:\d\d)?|\d{1,20})\z/';
    // What programs write where they had no value: all such learners would become one.
    private const NOTHING = ['undefined', 'null', 'none', 'nan', '[object object]', 'true', 'false'];

    /**
     * @param list<FieldError> $errors
     * @throws ValidationException where there are some, with the first of each path
     */
    public static function refuse(array $errors): void
    {
        $found = [];
        foreach ($errors as $error) {
            $found[$error['path']] ??= $error;
        }
        if ($found !== []) {
            throw new ValidationException(array_values($found));
        }
    }

    /** @return list<FieldError> everything that is wrong with a normalised event */
    public static function event(mixed $event): array
    {
        if (!Value::isObject($event)) {
            return [['path' => '', 'message' => 'must be an object']];
        }
        $event = Value::fields($event);
        $required = ['event' => self::eventName(...)];
        // The canonical spelling has these elsewhere; the server knows it.
        if (!array_key_exists('user', $event) && !array_key_exists('occurred_at', $event)) {
            $required += ['user_id' => self::userId(...), 'timestamp' => self::time(...)];
        }
        $properties = [
            'progress_pct' => self::percentage(...),
            'time_on_task_sec' => self::seconds(...),
        ] + array_fill_keys(self::IDS, self::identifier(...));
        return [
            ...self::each($event, $required, '', true),
            ...self::each($event, ['event_id' => self::identifier(...), 'id' => self::identifier(...)]),
            ...self::document($event, 'properties', $properties),
            ...self::document($event, 'metadata', ['event_id' => self::identifier(...)]),
        ];
    }

    /** @return list<FieldError> */
    public static function batchSize(int $size): array
    {
        if ($size >= 1 && $size <= self::MAX_BATCH) {
            return [];
        }
        return [['path' => 'events', 'message' => sprintf('must be 1 to 10,000 events, are %s', number_format($size))]];
    }

    /**
     * @param array<string, mixed> $award of points, or a deduction
     * @return list<FieldError>
     */
    public static function points(array $award, string $key): array
    {
        $checks = ['user_id' => self::userId(...), 'points' => self::pointsGiven(...), 'reason' => self::reason(...)];
        $errors = [...self::each($award, $checks, '', true), ...self::document($award, 'metadata', [])];
        foreach (array_diff(array_keys($award), [...array_keys($checks), 'metadata']) as $name) {
            $errors[] = ['path' => (string) $name, 'message' => 'unknown field'];
        }
        return [...$errors, ...self::key($key)];
    }

    /**
     * @param array<string, mixed> $award of a badge
     * @return list<FieldError>
     */
    public static function badge(array $award, string $key): array
    {
        $checks = ['user_id' => self::userId(...), 'badge_id' => self::identifier(...)];
        return [
            ...self::each($award, $checks, '', true),
            ...self::document($award, 'metadata', []),
            ...self::key($key),
        ];
    }

    /** What is wrong with a learner's id, if anything is. */
    public static function userId(mixed $value): ?string
    {
        if (!Value::isText($value)) {
            return 'must be a string';
        }
        $length = Value::length($value);
        if ($length < 1 || $length > self::MAX_ID) {
            return sprintf('must have 1 to %d characters', self::MAX_ID);
        }
        if (preg_match('#[/\x00-\x1f\x7f-\x{9f}]|\A\s|\s\z#u', $value) === 1) {
            return 'must not contain slashes or control characters, or blanks at the ends';
        }
        if (in_array(strtolower($value), self::NOTHING, true)) {
            return "is '{$value}', which a program writes where it has no value";
        }
        return null;
    }

    /**
     * @param array<string, mixed> $values
     * @param array<string, \Closure(mixed): ?string> $checks
     * @return list<FieldError>
     */
    private static function each(array $values, array $checks, string $prefix = '', bool $required = false): array
    {
        $errors = [];
        foreach ($checks as $name => $check) {
            $value = $values[$name] ?? null;
            $message = Value::isAbsent($value) ? ($required ? 'is required' : null) : $check($value);
            if ($message !== null) {
                $errors[] = ['path' => $prefix . $name, 'message' => $message];
            }
        }
        return $errors;
    }

    /**
     * @param array<string, mixed> $values
     * @param array<string, \Closure(mixed): ?string> $checks
     * @return list<FieldError>
     */
    private static function document(array $values, string $name, array $checks): array
    {
        $value = $values[$name] ?? null;
        if (Value::isAbsent($value)) {
            return [];
        }
        if (!Value::isObject($value)) {
            return [['path' => $name, 'message' => 'must be an object']];
        }
        return self::each(Value::fields($value), $checks, "{$name}.");
    }

    /** @return list<FieldError> */
    private static function key(string $key): array
    {
        return preg_match('/\A[\x21-\x7e]{1,255}\z/', $key) === 1
            ? []
            : [['path' => 'idempotency_key', 'message' => 'must be 1 to 255 printable ASCII characters, no blanks']];
    }

    private static function eventName(mixed $value): ?string
    {
        if (!is_string($value) || preg_match('/\A[a-z]+\.[a-z_]+\z/', $value) !== 1) {
            return 'must be domain.action in lower-case letters, such as "course.completed"';
        }
        return strlen($value) <= self::MAX_EVENT ? null : sprintf('must have at most %d characters', self::MAX_EVENT);
    }

    private static function time(mixed $value): ?string
    {
        if (is_string($value) && preg_match(self::TIME, $value) === 1) {
            if (!ctype_digit($value)) {
                return null;
            }
            $value = (float) $value;
        }
        if (!Value::isNumber($value)) {
            return 'must be RFC 3339, such as "2026-01-31T10:15:00Z", or Unix seconds';
        }
        if ($value >= self::MILLISECONDS_FROM) {
            return 'looks like milliseconds; give Unix seconds';
        }
        return $value >= self::EARLIEST_S ? null : 'is before the year 2000';
    }

    private static function identifier(mixed $value): ?string
    {
        if (is_string($value)) {
            $fits = Value::length($value) <= self::MAX_ID;
            return $fits ? null : sprintf('must have at most %d characters', self::MAX_ID);
        }
        return Value::isWhole($value) ? null : 'must be a string or a whole number';
    }

    private static function percentage(mixed $value): ?string
    {
        $fits = Value::isNumber($value) && $value >= 0 && $value <= 100;
        return $fits ? null : 'must be a number from 0 to 100';
    }

    private static function seconds(mixed $value): ?string
    {
        $fits = Value::isWhole($value) && $value >= 0;
        return $fits ? null : 'must be a whole number of seconds, 0 or more';
    }

    private static function pointsGiven(mixed $value): ?string
    {
        $fits = is_int($value) && $value >= 1 && $value <= self::MAX_POINTS;
        return $fits ? null : 'must be a whole number from 1 to 1,000,000';
    }

    private static function reason(mixed $value): ?string
    {
        $fits = is_string($value) && Value::length($value) <= self::MAX_REASON;
        return $fits ? null : 'must be a text of at most 1,000 characters';
    }
}
