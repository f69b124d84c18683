package com.rocketlearning.model;

import java.util.Optional;

/** What became of one event of a batch. */
public final class BatchItem {
    private int index;
    private String status;
    private String eventId;
    private Integer pointsAwarded;
    private String error;
    private String reason;

    private BatchItem() {}

    /** {@return its place in the batch, from 0} */
    public int index() {
        return index;
    }

    /**
     * {@return the status: {@code processed}, {@code duplicate}, {@code ignored}, {@code held} or
     * {@code failed}}
     */
    public String status() {
        return status;
    }

    /** {@return the server's id of the event, which one that failed doesn't have, or empty} */
    public Optional<String> eventId() {
        return Optional.ofNullable(eventId);
    }

    /** {@return the points that it gave} */
    public int pointsAwarded() {
        return pointsAwarded == null ? 0 : pointsAwarded;
    }

    /** {@return what is wrong with one that failed, or empty} */
    public Optional<String> error() {
        return Optional.ofNullable(error);
    }

    /** {@return why it was ignored or held, or empty} */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }
}
