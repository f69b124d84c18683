<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use RocketLearning\Exception\ConfigurationException;
use RocketLearning\Exception\WebhookVerificationException;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\CaseTestCase;
use RocketLearning\Webhook;

/** Webhooks that are the server's own, and those that aren't. */
final class WebhookTest extends CaseTestCase
{
    /**
     * The plain signature fits or is refused, with the reason.
     *
     * @dataProvider plain
     */
    public function testXSignature(\stdClass $case): void
    {
        $verify = static fn () => Webhook::verifyXSignature($case->body, (array) $case->headers, $case->secrets);
        self::assertVerified($case, $verify);
    }

    /** @return array<string, array{\stdClass}> */
    public static function plain(): array
    {
        return Cases::list('signatures', 'x_signature');
    }

    /**
     * The three headers fit or are refused, with the reason.
     *
     * @dataProvider standard
     */
    public function testStandardWebhooks(\stdClass $case): void
    {
        self::assertVerified($case, static fn () => Webhook::verify(
            $case->body,
            (array) $case->headers,
            $case->secrets,
            $case->tolerance_s ?? Webhook::TOLERANCE_S,
            $case->now_s,
        ));
    }

    /** @return array<string, array{\stdClass}> */
    public static function standard(): array
    {
        return Cases::list('signatures', 'standard');
    }

    /**
     * A secret that can't be one is an error of the configuration, not of the webhook.
     *
     * @dataProvider badSecrets
     */
    public function testASecretOfAnotherForm(\stdClass $case): void
    {
        $good = Cases::file('signatures')->standard[0];
        $this->expectException(ConfigurationException::class);
        Webhook::verify($good->body, (array) $good->headers, $case->secret, now: $good->now_s);
    }

    /** @return array<string, array{\stdClass}> */
    public static function badSecrets(): array
    {
        return Cases::list('signatures', 'bad_secrets');
    }

    /** Headers come as texts or, as from PSR-7, as lists; the usual receiver has one secret. */
    public function testHeadersAsAFrameworkHasThem(): void
    {
        $good = Cases::file('signatures')->standard[0];
        $headers = array_map(static fn (string $value): array => [$value], (array) $good->headers);
        $event = Webhook::verify($good->body, $headers, $good->secrets[0], now: $good->now_s);
        self::assertSame(json_decode($good->body, true), $event);
    }

    /** The parsed body, or the refusal that the case says. */
    private static function assertVerified(\stdClass $case, \Closure $verify): void
    {
        $event = null;
        $refusal = null;
        try {
            $event = $verify();
        } catch (WebhookVerificationException $refused) {
            $refusal = $refused::REFUSAL;
        }
        self::assertSame($case->refusal, $refusal);
        self::assertSame($refusal === null ? json_decode($case->body, true) : null, $event);
    }
}
