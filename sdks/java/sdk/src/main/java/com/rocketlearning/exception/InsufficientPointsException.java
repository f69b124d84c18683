package com.rocketlearning.exception;

/** 422: the learner has fewer points; {@code details} has the {@code balance}. */
public final class InsufficientPointsException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public InsufficientPointsException(Answer answer) {
        super(answer);
    }
}
