<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * `$client->users`: learners, and what they have.
 *
 * @phpstan-import-type Balance from Answers
 * @phpstan-import-type Rank from Answers
 * @phpstan-import-type LedgerPage from Answers
 * @phpstan-import-type HeldBadgePage from Answers
 * @phpstan-import-type LimitPage from Answers
 * @phpstan-import-type EventPage from Answers
 * @phpstan-import-type User from Answers
 * @phpstan-import-type UserPage from Answers
 * @phpstan-type Page array{limit?: int, cursor?: string}
 */
final class UsersApi extends Api
{
    /**
     * A learner's points, rank and streak.
     *
     * @return Balance
     */
    public function getBalance(string $userId): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/balance')));
    }

    /**
     * A learner's rank, what it is good for, and the next one.
     *
     * @return Rank
     */
    public function getRank(string $userId): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/rank')));
    }

    /**
     * A learner's movements of points, the latest first.
     *
     * @param Page $page
     * @return LedgerPage
     */
    public function getLedger(string $userId, array $page = []): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/ledger'), $page));
    }

    /**
     * A learner's badges, the latest first.
     *
     * @param array{include_revoked?: bool, limit?: int, cursor?: string} $page
     * @return HeldBadgePage
     */
    public function getBadges(string $userId, array $page = []): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/badges'), $page));
    }

    /**
     * What a learner has used of each rule's caps, and what is left.
     *
     * @param Page $page
     * @return LimitPage
     */
    public function getLimits(string $userId, array $page = []): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/limits'), $page));
    }

    /**
     * A learner's events with their decisions, the latest received first.
     *
     * @param Page $page
     * @return EventPage
     */
    public function getEvents(string $userId, array $page = []): array
    {
        return $this->requester->send(Call::get(self::user($userId, '/events'), $page));
    }

    /**
     * A learner by any of their identities.
     *
     * @return User
     */
    public function get(string $userId): array
    {
        return $this->requester->send(Call::get(self::user($userId)));
    }

    /**
     * Who has an e-mail address, or whose name, address or identity begins with `q`; one of the two.
     *
     * @param array{email?: string, q?: string, limit?: int} $query
     * @return UserPage
     */
    public function search(array $query): array
    {
        return $this->requester->send(Call::get('/v1/users/search', $query));
    }
}
