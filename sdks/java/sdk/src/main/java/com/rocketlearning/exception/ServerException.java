package com.rocketlearning.exception;

/** 5xx: the server can't do it now. */
public final class ServerException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public ServerException(Answer answer) {
        super(answer);
    }
}
