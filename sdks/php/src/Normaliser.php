<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * What the caller gives becomes what is sent: spellings, times and ids.
 *
 * @internal
 */
final class Normaliser
{
    public const EVENT_ALIASES = ['userId' => 'user_id', 'eventId' => 'event_id'];
    private const AWARD_ALIASES = ['userId' => 'user_id', 'badgeId' => 'badge_id'];
    private const OBJECTS = ['properties', 'metadata', 'user', 'context', 'metrics', 'trace'];

    public function __construct(private readonly Stamps $stamps)
    {
    }

    /**
     * The event as it travels, with a time and an id.
     *
     * @param array<string, mixed>|\stdClass $given
     * @return array<string, mixed>
     * @throws ValidationException where two spellings of one field disagree, or JSON can't say a value
     */
    public function event(array|\stdClass $given): array
    {
        $event = self::spelled($given, self::EVENT_ALIASES);
        if (!isset($event['timestamp']) && !isset($event['occurred_at'])) {
            $event['timestamp'] = $this->stamps->now();
        }
        if (!self::hasId($event)) {
            $event['event_id'] = $this->stamps->newId();
        }
        return $event;
    }

    /**
     * The body of an award of points or of a badge.
     *
     * @param array<string, mixed> $given
     * @return array<string, mixed>
     * @throws ValidationException as `event`
     */
    public static function award(array $given): array
    {
        return self::spelled($given, self::AWARD_ALIASES);
    }

    /**
     * @param array<string, mixed>|\stdClass $given
     * @param array<string, string> $aliases
     * @return array<string, mixed>
     */
    private static function spelled(array|\stdClass $given, array $aliases): array
    {
        $fields = [];
        $errors = [];
        foreach (Value::fields($given) as $name => $value) {
            if (Value::isAbsent($value)) {
                continue;
            }
            $wanted = $aliases[$name] ?? $name;
            // PHP has one empty array for both of JSON's; these fields are objects.
            $value = $value === [] && in_array($wanted, self::OBJECTS, true) ? new \stdClass() : $value;
            $written = Value::written($value, (string) $name, $errors);
            if (array_key_exists($wanted, $fields) && $fields[$wanted] !== $written) {
                $errors[] = ['path' => array_search($wanted, $aliases, true), 'message' => "differs from {$wanted}"];
            }
            $fields[$wanted] = $written;
        }
        if ($errors !== []) {
            throw new ValidationException($errors);
        }
        return $fields;
    }

    /** @param array<string, mixed> $event */
    private static function hasId(array $event): bool
    {
        $nested = static fn (string $place, string $name): mixed => Value::isObject($event[$place] ?? null)
            ? (Value::fields($event[$place])[$name] ?? null)
            : null;
        $found = [
            $event['event_id'] ?? null,
            $event['id'] ?? null,
            $nested('metadata', 'event_id'),
            $nested('trace', 'lms_event_id'),
        ];
        return array_filter($found, static fn (mixed $value): bool => !Value::isAbsent($value)) !== [];
    }
}
