<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The body wasn't signed with this secret, or was changed on the way. */
final class SignatureMismatchException extends WebhookVerificationException
{
    public const REFUSAL = 'mismatch';
}
