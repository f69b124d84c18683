package com.rocketlearning.exception;

/** A webhook that isn't what it says it is: answer 401 and do nothing. */
public abstract class WebhookVerificationException extends RocketException {
    private static final long serialVersionUID = 1L;

    /** The reason as a stable word. */
    private final String code;

    WebhookVerificationException(String code, String message) {
        super(message);
        this.code = code;
    }

    /**
     * {@return {@code missing}, {@code malformed}, {@code mismatch}, {@code too_old} or {@code
     * too_new}}
     */
    public String code() {
        return code;
    }
}
