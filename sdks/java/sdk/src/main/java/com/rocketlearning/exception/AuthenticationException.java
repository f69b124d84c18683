package com.rocketlearning.exception;

/** 401: no key, or one that doesn't exist or was revoked. */
public final class AuthenticationException extends ApiException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public AuthenticationException(Answer answer) {
        super(answer);
    }
}
