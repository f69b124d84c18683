package com.rocketlearning.exception;

import java.time.Duration;

/** Nothing was sent, since the server failed too often just now. */
public final class CircuitOpenException extends RocketException {
    private static final long serialVersionUID = 1L;

    /** When it is worth asking again. */
    private final Duration retryAfter;

    /**
     * Makes one.
     *
     * @param retryAfter how long the breaker stays open; zero while a trial is under way
     */
    public CircuitOpenException(Duration retryAfter) {
        super(
                "The server failed too often just now; nothing is sent for another "
                        + retryAfter.toMillis()
                        + " ms");
        this.retryAfter = retryAfter;
    }

    /** {@return how long the breaker stays open; zero while a trial is under way} */
    public Duration retryAfter() {
        return retryAfter;
    }
}
