package com.rocketlearning.exception;

/** No whole answer came: the request may or may not have been done. */
public class TransportException extends RocketException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     * @param cause what was thrown below, or null
     */
    public TransportException(String message, Throwable cause) {
        super(message, cause);
    }
}
