package com.rocketlearning.exception;

/** The answer wasn't there in time. */
public final class RequestTimeoutException extends TransportException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     * @param cause what was thrown below, or null
     */
    public RequestTimeoutException(String message, Throwable cause) {
        super(message, cause);
    }
}
