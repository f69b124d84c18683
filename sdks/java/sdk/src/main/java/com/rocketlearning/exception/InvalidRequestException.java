package com.rocketlearning.exception;

/**
 * 400, 405, 413, 415 and every 4xx without an exception of its own; {@code details} name the field.
 */
public final class InvalidRequestException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public InvalidRequestException(Answer answer) {
        super(answer);
    }
}
