package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A learner as administrators keep them. */
public final class User {
    private String userId;
    private String email;
    private String name;
    private String status;
    private Integer weeklyGoal;
    private String leaderboard;
    private Map<String, Object> metadata;
    private List<String> identities = List.of();
    private Instant createdAt;

    private User() {}

    /** {@return the learner's id} */
    public String userId() {
        return userId;
    }

    /** {@return the e-mail address, or empty} */
    public Optional<String> email() {
        return Optional.ofNullable(email);
    }

    /** {@return the name, or empty} */
    public Optional<String> name() {
        return Optional.ofNullable(name);
    }

    /** {@return the status: {@code active}, {@code suspended} or {@code anonymised}} */
    public String status() {
        return status;
    }

    /** {@return a weekly goal of their own, or empty} */
    public Optional<Integer> weeklyGoal() {
        return Optional.ofNullable(weeklyGoal);
    }

    /**
     * {@return how they stand on leaderboards: {@code shown}, {@code anonymous} or {@code hidden}}
     */
    public String leaderboard() {
        return leaderboard;
    }

    /** {@return what else is known, or empty} */
    public Optional<Map<String, Object>> metadata() {
        return Optional.ofNullable(metadata);
    }

    /** {@return every id by which the learner is known} */
    public List<String> identities() {
        return Collections.unmodifiableList(identities);
    }

    /** {@return the time at which they became known} */
    public Instant createdAt() {
        return createdAt;
    }
}
