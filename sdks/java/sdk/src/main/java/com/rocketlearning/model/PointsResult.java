package com.rocketlearning.model;

/** Points that were moved. */
public final class PointsResult {
    private String entryId;
    private int points;
    private long balance;

    private PointsResult() {}

    /** {@return the new entry} */
    public String entryId() {
        return entryId;
    }

    /** {@return the points that were moved} */
    public int points() {
        return points;
    }

    /** {@return the balance after it} */
    public long balance() {
        return balance;
    }
}
