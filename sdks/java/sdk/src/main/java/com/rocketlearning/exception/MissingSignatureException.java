package com.rocketlearning.exception;

/** A header that the signature needs isn't there. */
public final class MissingSignatureException extends WebhookVerificationException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public MissingSignatureException(String message) {
        super("missing", message);
    }
}
