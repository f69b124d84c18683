package com.rocketlearning.model;

import java.util.Optional;

/** A place on a leaderboard. */
public final class Standing {
    private int rank;
    private long points;
    private String userId;
    private boolean anonymous;

    private Standing() {}

    /** {@return the place, from 1} */
    public int rank() {
        return rank;
    }

    /** {@return the points} */
    public long points() {
        return points;
    }

    /** {@return the learner, unless they stand there without a name, or empty} */
    public Optional<String> userId() {
        return Optional.ofNullable(userId);
    }

    /** {@return whether they stand there without a name} */
    public boolean anonymous() {
        return anonymous;
    }
}
