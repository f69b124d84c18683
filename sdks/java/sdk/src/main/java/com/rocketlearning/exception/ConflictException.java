package com.rocketlearning.exception;

/** 409: it can't be done now, or the idempotency key was used for something else. */
public final class ConflictException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public ConflictException(Answer answer) {
        super(answer);
    }
}
