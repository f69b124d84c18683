package com.rocketlearning.model;

/** What a learner has. */
public final class Balance {
    private String userId;
    private long points;
    private long earned;
    private long spent;
    private String rank;
    private int streakWeeks;

    private Balance() {}

    /** {@return the learner} */
    public String userId() {
        return userId;
    }

    /** {@return the points that can be spent} */
    public long points() {
        return points;
    }

    /** {@return the points that were ever earned} */
    public long earned() {
        return earned;
    }

    /** {@return the points that were spent} */
    public long spent() {
        return spent;
    }

    /** {@return the rank's name} */
    public String rank() {
        return rank;
    }

    /** {@return the weeks in a row in which the weekly goal was met} */
    public int streakWeeks() {
        return streakWeeks;
    }
}
