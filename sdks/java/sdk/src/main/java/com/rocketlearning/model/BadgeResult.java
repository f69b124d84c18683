package com.rocketlearning.model;

/** A badge that was given. */
public final class BadgeResult {
    private String awardId;
    private String badgeId;
    private String userId;
    private String status;

    private BadgeResult() {}

    /** {@return the award} */
    public String awardId() {
        return awardId;
    }

    /** {@return the badge} */
    public String badgeId() {
        return badgeId;
    }

    /** {@return the learner} */
    public String userId() {
        return userId;
    }

    /** {@return the status: {@code awarded} or {@code already_held}} */
    public String status() {
        return status;
    }
}
