<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** It was signed in the future; check this machine's clock. */
final class TimestampTooNewException extends WebhookVerificationException
{
    public const REFUSAL = 'too_new';
}
