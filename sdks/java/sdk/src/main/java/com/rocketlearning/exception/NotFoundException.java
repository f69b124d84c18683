package com.rocketlearning.exception;

/** 404: there is nothing of that name. */
public final class NotFoundException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public NotFoundException(Answer answer) {
        super(answer);
    }
}
