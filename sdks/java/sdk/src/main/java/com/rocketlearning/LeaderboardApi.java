package com.rocketlearning;

import com.rocketlearning.model.Leaderboard;

/** Who has earned most. */
public final class LeaderboardApi extends Api {
    LeaderboardApi(Transport transport) {
        super(transport);
    }

    /** {@return the first ten of all time} */
    public Leaderboard get() {
        return get(LeaderboardQuery.builder().build());
    }

    /**
     * A page of a leaderboard.
     *
     * @param query which leaderboard, and which part of it
     * @return the places
     */
    public Leaderboard get(LeaderboardQuery query) {
        return get(query.addTo(Call.get("/v1/leaderboard")), Leaderboard.class);
    }
}
