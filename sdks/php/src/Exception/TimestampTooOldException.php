<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** It was signed too long ago; perhaps somebody sends a recorded request again. */
final class TimestampTooOldException extends WebhookVerificationException
{
    public const REFUSAL = 'too_old';
}
