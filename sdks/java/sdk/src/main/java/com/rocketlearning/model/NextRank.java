package com.rocketlearning.model;

/** The rank that a learner can reach next. */
public final class NextRank {
    private String name;
    private int weeks;

    private NextRank() {}

    /** {@return its name} */
    public String name() {
        return name;
    }

    /** {@return the weeks in a row that it asks for} */
    public int weeks() {
        return weeks;
    }
}
