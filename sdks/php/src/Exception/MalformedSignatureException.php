<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** A header hasn't the form that it must have, or a signed body is no JSON object. */
final class MalformedSignatureException extends WebhookVerificationException
{
    public const REFUSAL = 'malformed';
}
