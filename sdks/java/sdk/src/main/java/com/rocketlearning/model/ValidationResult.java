package com.rocketlearning.model;

import java.util.Collections;
import java.util.List;

/** What the server says about an event that it doesn't store. */
public final class ValidationResult {
    private boolean valid;
    private List<FieldError> errors = List.of();

    private ValidationResult() {}

    /** {@return whether the event would be taken} */
    public boolean valid() {
        return valid;
    }

    /** {@return what is wrong with it} */
    public List<FieldError> errors() {
        return Collections.unmodifiableList(errors);
    }
}
