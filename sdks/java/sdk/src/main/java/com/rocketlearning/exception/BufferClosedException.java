package com.rocketlearning.exception;

/** The buffer is closed; this event wasn't taken. */
public final class BufferClosedException extends RocketException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public BufferClosedException(String message) {
        super(message);
    }
}
