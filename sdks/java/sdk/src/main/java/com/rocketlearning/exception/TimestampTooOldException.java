package com.rocketlearning.exception;

/** Rightly signed, but longer ago than is tolerated: perhaps a replay. */
public final class TimestampTooOldException extends WebhookVerificationException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public TimestampTooOldException(String message) {
        super("too_old", message);
    }
}
