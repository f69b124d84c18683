package com.rocketlearning.exception;

/** 429: too many requests. */
public final class RateLimitException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public RateLimitException(Answer answer) {
        super(answer);
    }
}
