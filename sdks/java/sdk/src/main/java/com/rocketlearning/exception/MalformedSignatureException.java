package com.rocketlearning.exception;

/** A header, or the signed body, isn't of the form that it should have. */
public final class MalformedSignatureException extends WebhookVerificationException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public MalformedSignatureException(String message) {
        super("malformed", message);
    }
}
