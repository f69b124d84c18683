package com.rocketlearning.model;

import java.util.Collections;
import java.util.List;

/** What a learner has used of each cap. */
public final class Limits {
    private String userId;
    private List<Limit> limits = List.of();

    private Limits() {}

    /** {@return the learner} */
    public String userId() {
        return userId;
    }

    /** {@return the caps} */
    public List<Limit> limits() {
        return Collections.unmodifiableList(limits);
    }
}
