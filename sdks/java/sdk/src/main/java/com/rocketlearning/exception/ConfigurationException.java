package com.rocketlearning.exception;

/** A client, a schema, a buffer or a secret can't be made like this. */
public final class ConfigurationException extends RocketException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message a sentence for the person who reads the log
     */
    public ConfigurationException(String message) {
        super(message);
    }
}
