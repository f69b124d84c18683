<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\InsufficientPointsException;
use RocketLearning\Exception\ValidationException;

/**
 * `$client->points`: points by hand.
 *
 * @phpstan-import-type Moved from Answers
 * @phpstan-type Award array{user_id: string, points: int, reason: string, metadata?: array<string, mixed>}
 */
final class PointsApi extends Api
{
    public function __construct(Requester $requester, private readonly Stamps $stamps)
    {
        parent::__construct($requester);
    }

    /**
     * Gives points (1 to 1,000,000) to a learner, who is made where they aren't known.
     *
     * A key is made for the call, so that its retries count once. Give one of your own, such as an order's
     * number, where the call itself may be repeated.
     *
     * @param Award $award
     * @return Moved
     * @throws ValidationException before anything is sent
     */
    public function award(array $award, ?string $idempotencyKey = null): array
    {
        return $this->move('/v1/points/award', $award, $idempotencyKey);
    }

    /**
     * Spends a learner's points, never more than there are. Keys as in `award`.
     *
     * @param Award $award
     * @return Moved
     * @throws ValidationException before anything is sent
     * @throws InsufficientPointsException
     */
    public function deduct(array $award, ?string $idempotencyKey = null): array
    {
        return $this->move('/v1/points/deduct', $award, $idempotencyKey);
    }

    /**
     * @param array<string, mixed> $given
     * @return Moved
     */
    private function move(string $path, array $given, ?string $idempotencyKey): array
    {
        $body = Normaliser::award($given);
        $key = $this->stamps->key($idempotencyKey);
        Checks::refuse(Checks::points($body, $key));
        return $this->requester->send(Call::post($path, $body, $key));
    }
}
