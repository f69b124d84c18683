package com.rocketlearning.model;

import java.time.Instant;
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
    private String title;
    private String code;
    private String sentence;
    private Instant opensAt;

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

    /** {@return the rule's title, in the answer to one event's reading, or empty} */
    public Optional<String> title() {
        return Optional.ofNullable(title);
    }

    /** {@return the sentence's stable code, in the answer to one event's reading, or empty} */
    public Optional<String> code() {
        return Optional.ofNullable(code);
    }

    /** {@return the decision as a sentence, in the answer to one event's reading, or empty} */
    public Optional<String> sentence() {
        return Optional.ofNullable(sentence);
    }

    /** {@return when it would count again, in the answer to one event's reading, or empty} */
    public Optional<Instant> opensAt() {
        return Optional.ofNullable(opensAt);
    }
}
