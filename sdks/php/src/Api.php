<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/** What groups of calls have in common. */
abstract class Api
{
    public function __construct(protected readonly Requester $requester)
    {
    }

    /**
     * @param list<array{path: string, message: string}> $errors
     * @throws ValidationException where there are some, the first of each path
     */
    protected static function refuse(array $errors): void
    {
        $found = [];
        foreach ($errors as $error) {
            $found[$error['path']] ??= $error;
        }
        if ($found !== []) {
            throw new ValidationException(array_values($found));
        }
    }

    /** An id as part of a path: never one that would make another address of it. */
    protected static function id(string $value, string $name): string
    {
        if ($value === '' || $value === '.' || $value === '..') {
            self::refuse([['path' => $name, 'message' => "can't be asked for"]]);
        }
        return Call::segment($value);
    }

    protected static function user(string $userId, string $rest = ''): string
    {
        $message = Checks::userId($userId);
        if ($message !== null) {
            self::refuse([['path' => 'user_id', 'message' => $message]]);
        }
        return '/v1/users/' . self::id($userId, 'user_id') . $rest;
    }
}
