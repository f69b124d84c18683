package com.rocketlearning.exception;

import com.rocketlearning.model.FieldError;
import java.util.List;
import java.util.stream.Collectors;

/** Refused by the checks of this library, before anything was sent. */
public final class ValidationException extends RocketException {
    private static final long serialVersionUID = 1L;

    /** What is wrong, in the order in which it was found. */
    private final transient List<FieldError> errors;

    /**
     * Makes one.
     *
     * @param errors what is wrong, at least one
     */
    public ValidationException(List<FieldError> errors) {
        super(errors.stream().map(FieldError::toString).collect(Collectors.joining("; ")));
        this.errors = List.copyOf(errors);
    }

    /** {@return one error for each path, such as {@code properties.progress_pct}} */
    public List<FieldError> errors() {
        return errors == null ? List.of() : errors;
    }
}
