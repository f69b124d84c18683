package com.rocketlearning.model;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** One rule's cap, as far as a learner has used it. */
public final class Limit {
    private String ruleId;
    private String title;
    private String event;
    private Object points;
    private String constraint;
    private Map<String, Object> key;
    private Long limit;
    private Long used;
    private Long remaining;
    private Instant since;
    private Instant resetsAt;
    private Instant opensAt;

    private Limit() {}

    /** {@return the rule} */
    public String ruleId() {
        return ruleId;
    }

    /** {@return the rule's title, or empty} */
    public Optional<String> title() {
        return Optional.ofNullable(title);
    }

    /** {@return the event that it hears} */
    public String event() {
        return event;
    }

    /** {@return the points that it gives, or empty where they depend on the event} */
    public Optional<Integer> points() {
        return points instanceof Integer ? Optional.of((Integer) points) : Optional.empty();
    }

    /** {@return how the points follow from the event, or empty where they are always the same} */
    public Optional<Map<String, Object>> computedPoints() {
        if (!(points instanceof Map)) {
            return Optional.empty();
        }
        Map<String, Object> computed = new LinkedHashMap<>();
        ((Map<?, ?>) points).forEach((name, value) -> computed.put(name.toString(), value));
        return Optional.of(computed);
    }

    /** {@return the constraint, or empty} */
    public Optional<String> constraint() {
        return Optional.ofNullable(constraint);
    }

    /** {@return what the cap counts by, or empty} */
    public Optional<Map<String, Object>> key() {
        return Optional.ofNullable(key);
    }

    /** {@return how often, or how many points, at most, or empty} */
    public Optional<Long> limit() {
        return Optional.ofNullable(limit);
    }

    /** {@return what was used, or empty} */
    public Optional<Long> used() {
        return Optional.ofNullable(used);
    }

    /** {@return what is left, or empty} */
    public Optional<Long> remaining() {
        return Optional.ofNullable(remaining);
    }

    /** {@return the beginning of the day, week or month, or empty} */
    public Optional<Instant> since() {
        return Optional.ofNullable(since);
    }

    /** {@return its end, or empty} */
    public Optional<Instant> resetsAt() {
        return Optional.ofNullable(resetsAt);
    }

    /** {@return the end of a cool-down, or empty} */
    public Optional<Instant> opensAt() {
        return Optional.ofNullable(opensAt);
    }
}
