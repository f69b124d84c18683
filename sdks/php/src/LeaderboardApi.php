<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * `$client->leaderboard`: who has earned most.
 *
 * @phpstan-import-type Leaderboard from Answers
 */
final class LeaderboardApi extends Api
{
    /**
     * In all, or in the week or month of a day `at` (`2026-01-31`).
     *
     * @param array{
     *     course?: string,
     *     period?: 'all'|'week'|'month',
     *     at?: string,
     *     around?: string,
     *     limit?: int,
     *     cursor?: string,
     * } $query
     * @return Leaderboard
     */
    public function get(array $query = []): array
    {
        return $this->requester->send(Call::get('/v1/leaderboard', $query));
    }
}
