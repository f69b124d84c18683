<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** A webhook isn't what the server sent: answer 400 or 401, and ignore it. */
abstract class WebhookVerificationException extends RocketException
{
    /** The stable word for why: missing, malformed, mismatch, too_old or too_new. */
    public const REFUSAL = '';
}
