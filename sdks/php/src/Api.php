<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * What groups of calls have in common.
 *
 * @internal
 */
abstract class Api
{
    public function __construct(protected readonly Requester $requester)
    {
    }

    /**
     * An id as part of a path: never one that would make another address of it.
     *
     * @throws ValidationException
     */
    protected static function id(string $value, string $name): string
    {
        if (in_array($value, ['', '.', '..'], true)) {
            throw new ValidationException([['path' => $name, 'message' => "can't be asked for"]]);
        }
        return Call::segment($value);
    }

    /**
     * The path of a learner, and what comes after it.
     *
     * @throws ValidationException
     */
    protected static function user(string $userId, string $rest = ''): string
    {
        $message = Checks::userId($userId);
        if ($message !== null) {
            throw new ValidationException([['path' => 'user_id', 'message' => $message]]);
        }
        return '/v1/users/' . self::id($userId, 'user_id') . $rest;
    }
}
