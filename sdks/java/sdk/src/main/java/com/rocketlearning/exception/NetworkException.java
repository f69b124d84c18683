package com.rocketlearning.exception;

/** The server couldn't be reached, or the connection broke. */
public final class NetworkException extends TransportException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     * @param cause what was thrown below, or null
     */
    public NetworkException(String message, Throwable cause) {
        super(message, cause);
    }
}
