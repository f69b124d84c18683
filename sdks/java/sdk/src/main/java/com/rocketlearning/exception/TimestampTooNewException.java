package com.rocketlearning.exception;

/** Rightly signed, but further ahead than is tolerated: a clock is wrong. */
public final class TimestampTooNewException extends WebhookVerificationException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public TimestampTooNewException(String message) {
        super("too_new", message);
    }
}
