<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * Events as they travel: stamped, and checked against the event schema and the caller's own.
 *
 * @phpstan-import-type FieldError from Checks
 */
final class EventReader
{
    public ?EventSchema $schema = null;

    private readonly Normaliser $normaliser;

    public function __construct(Stamps $stamps, private readonly bool $validate)
    {
        $this->normaliser = new Normaliser($stamps);
    }

    /**
     * @return array<string, mixed> the event with a time and an id, unchecked
     * @throws ValidationException
     */
    public function stamped(mixed $event): array
    {
        if (!Value::isObject($event)) {
            throw new ValidationException([['path' => '', 'message' => 'must be an object']]);
        }
        return $this->normaliser->event($event);
    }

    /**
     * @return array<string, mixed>
     * @throws ValidationException
     */
    public function checked(mixed $event): array
    {
        $stamped = $this->stamped($event);
        $errors = $this->validate ? [...Checks::event($stamped), ...($this->schema?->errors($stamped) ?? [])] : [];
        $found = [];
        foreach ($errors as $error) {
            $found[$error['path']] ??= $error;
        }
        if ($found !== []) {
            throw new ValidationException(array_values($found));
        }
        return $stamped;
    }
}
