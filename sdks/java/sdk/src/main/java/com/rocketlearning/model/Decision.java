package com.rocketlearning.model;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;

/** What one rule said about an event, and why. */
public final class Decision {
    private String ruleId;
    private int ruleVersion;
    private String outcome;
    private int points;
    private Map<String, Object> detail = Map.of();
    private String reason;

    private Decision() {}

    /** {@return the rule} */
    public String ruleId() {
        return ruleId;
    }

    /** {@return the version of the rule that decided} */
    public int ruleVersion() {
        return ruleVersion;
    }

    /** {@return the outcome} */
    public String outcome() {
        return outcome;
    }

    /** {@return the points that it gave, below 0 where it took some back} */
    public int points() {
        return points;
    }

    /** {@return the numbers behind it} */
    public Map<String, Object> detail() {
        return Collections.unmodifiableMap(detail);
    }

    /** {@return why, where numbers don't say it, or empty} */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }
}
