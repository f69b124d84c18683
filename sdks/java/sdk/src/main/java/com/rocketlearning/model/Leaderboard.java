package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Who has earned most. */
public final class Leaderboard {
    private String period;
    private Instant since;
    private Instant until;
    private String course;
    private int learners;
    private Instant asOf;
    private List<Standing> standings = List.of();
    private String nextCursor;

    private Leaderboard() {}

    /** {@return the period: {@code all}, {@code week} or {@code month}} */
    public String period() {
        return period;
    }

    /** {@return its beginning, or empty} */
    public Optional<Instant> since() {
        return Optional.ofNullable(since);
    }

    /** {@return its end, or empty} */
    public Optional<Instant> until() {
        return Optional.ofNullable(until);
    }

    /** {@return the course that it is about, or empty} */
    public Optional<String> course() {
        return Optional.ofNullable(course);
    }

    /** {@return the number of learners on it} */
    public int learners() {
        return learners;
    }

    /** {@return the time up to which it is counted, or empty} */
    public Optional<Instant> asOf() {
        return Optional.ofNullable(asOf);
    }

    /** {@return the places} */
    public List<Standing> standings() {
        return Collections.unmodifiableList(standings);
    }

    /** {@return where the next page begins, or empty} */
    public Optional<String> nextCursor() {
        return Optional.ofNullable(nextCursor);
    }
}
