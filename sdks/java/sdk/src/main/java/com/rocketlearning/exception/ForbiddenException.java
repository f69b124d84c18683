package com.rocketlearning.exception;

/** 403: the key may not do this. */
public final class ForbiddenException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public ForbiddenException(Answer answer) {
        super(answer);
    }
}
