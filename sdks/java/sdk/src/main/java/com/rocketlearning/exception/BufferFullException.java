package com.rocketlearning.exception;

/** The buffer holds as many events as it may; this one wasn't taken. */
public final class BufferFullException extends RocketException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public BufferFullException(String message) {
        super(message);
    }
}
