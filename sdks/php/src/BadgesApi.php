<?php

declare(strict_types=1);

namespace RocketLearning;

use RocketLearning\Exception\ValidationException;

/**
 * `$client->badges`: the organisation's badges, and giving them.
 *
 * @phpstan-import-type BadgeAwarded from Answers
 * @phpstan-import-type Badge from Answers
 * @phpstan-import-type BadgePage from Answers
 * @phpstan-type BadgeAward array{user_id: string, badge_id: string, metadata?: array<string, mixed>}
 */
final class BadgesApi extends Api
{
    public function __construct(Requester $requester, private readonly Stamps $stamps)
    {
        parent::__construct($requester);
    }

    /**
     * Gives a badge to a learner; who holds it already is answered `already_held`.
     *
     * A badge that is repeatable is given again and again; keys as in `points->award`.
     *
     * @param BadgeAward $award
     * @return BadgeAwarded
     * @throws ValidationException before anything is sent
     */
    public function award(array $award, ?string $idempotencyKey = null): array
    {
        $body = Normaliser::award($award);
        $key = $this->stamps->key($idempotencyKey);
        Checks::refuse(Checks::badge($body, $key));
        return $this->requester->send(Call::post('/v1/badges/award', $body, $key));
    }

    /**
     * One badge of the organisation.
     *
     * @return Badge
     */
    public function get(string $badgeId): array
    {
        return $this->requester->send(Call::get('/v1/badges/' . self::id($badgeId, 'badge_id')));
    }

    /**
     * The organisation's badges, in the order of their ids.
     *
     * @param array{limit?: int, cursor?: string} $page
     * @return BadgePage
     */
    public function list(array $page = []): array
    {
        return $this->requester->send(Call::get('/v1/badges', $page));
    }
}
