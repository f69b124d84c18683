package com.rocketlearning.exception;

/** No signature fits any secret. */
public final class SignatureMismatchException extends WebhookVerificationException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public SignatureMismatchException(String message) {
        super("mismatch", message);
    }
}
