<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * Events as they travel: stamped, and checked against the event schema and the caller's own.
 *
 * @internal
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
     * @return array<string, mixed> the same, checked where the client checks
     * @throws ValidationException
     */
    public function checked(mixed $event): array
    {
        $stamped = $this->stamped($event);
        if ($this->validate) {
            Checks::refuse([...Checks::event($stamped), ...($this->schema?->errors($stamped) ?? [])]);
        }
        return $stamped;
    }
}
