package com.rocketlearning.model;

import java.util.Optional;

/** A learner's rank, and what it is good for. */
public final class RankStatus {
    private String userId;
    private String rank;
    private double multiplier;
    private int discountPct;
    private int streakWeeks;
    private int graceWeeks;
    private int weeklyGoal;
    private int pointsThisWeek;
    private NextRank nextRank;

    private RankStatus() {}

    /** {@return the learner} */
    public String userId() {
        return userId;
    }

    /** {@return the rank's name} */
    public String rank() {
        return rank;
    }

    /** {@return what rules may multiply points by} */
    public double multiplier() {
        return multiplier;
    }

    /** {@return the discount on rewards, in per cent} */
    public int discountPct() {
        return discountPct;
    }

    /** {@return the weeks in a row in which the weekly goal was met} */
    public int streakWeeks() {
        return streakWeeks;
    }

    /** {@return the weeks that may be missed} */
    public int graceWeeks() {
        return graceWeeks;
    }

    /** {@return the points that a week asks for} */
    public int weeklyGoal() {
        return weeklyGoal;
    }

    /** {@return the points of this week so far} */
    public int pointsThisWeek() {
        return pointsThisWeek;
    }

    /** {@return the rank after this one, or empty} */
    public Optional<NextRank> nextRank() {
        return Optional.ofNullable(nextRank);
    }
}
