<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** Refused here, before anything was sent: correct what `$errors` names. */
final class ValidationException extends RocketException
{
    /** @param non-empty-list<array{path: string, message: string}> $errors each field at fault */
    public function __construct(public readonly array $errors)
    {
        parent::__construct(implode('; ', array_map(
            static fn (array $error): string => "{$error['path']}: {$error['message']}",
            $errors,
        )));
    }
}
