package com.rocketlearning.exception;

/** The root of everything that this library throws by itself. */
public class RocketException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one without a cause.
     *
     * @param message a sentence for the person who reads the log
     */
    public RocketException(String message) {
        super(message);
    }

    /**
     * Makes one with a cause.
     *
     * @param message a sentence for the person who reads the log
     * @param cause what was thrown below, or null
     */
    public RocketException(String message, Throwable cause) {
        super(message, cause);
    }
}
