<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** A header that the signature needs isn't there. */
final class MissingSignatureException extends WebhookVerificationException
{
    public const REFUSAL = 'missing';
}
