package com.rocketlearning.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/** What is wrong with one field. */
public final class FieldError {
    private final String path;
    private final String message;

    /**
     * Says what is wrong.
     *
     * @param path where, such as {@code properties.progress_pct} or {@code events[3].user_id}
     * @param message what, as the end of a sentence that begins with the field's name
     */
    @JsonCreator
    public FieldError(@JsonProperty("path") String path, @JsonProperty("message") String message) {
        this.path = path;
        this.message = message;
    }

    /** {@return the field's path} */
    public String path() {
        return path;
    }

    /** {@return the end of a sentence that begins with the field's name} */
    public String message() {
        return message;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FieldError
                && ((FieldError) other).path.equals(path)
                && ((FieldError) other).message.equals(message);
    }

    @Override
    public int hashCode() {
        return Objects.hash(path, message);
    }

    @Override
    public String toString() {
        return path.isEmpty() ? message : path + " " + message;
    }
}
