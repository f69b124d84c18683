package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;

/** What is worth points. */
public final class Rule {
    private String ruleId;
    private String name;
    private String title;
    private String description;
    private Map<String, Object> trigger = Map.of();
    private Map<String, Object> actions = Map.of();
    private Map<String, Object> constraints = Map.of();
    private String status;
    private String fault;
    private boolean active;
    private Integer priority;
    private String startsAt;
    private String endsAt;
    private Integer version;
    private Instant createdAt;
    private Instant updatedAt;
    private String createdBy;
    private Boolean withdrawn;

    private Rule() {}

    /** {@return the rule's id} */
    public String ruleId() {
        return ruleId;
    }

    /** {@return a name that its author gave it, or empty} */
    public Optional<String> name() {
        return Optional.ofNullable(name);
    }

    /** {@return its title, or empty} */
    public Optional<String> title() {
        return Optional.ofNullable(title);
    }

    /** {@return what it is for, or empty} */
    public Optional<String> description() {
        return Optional.ofNullable(description);
    }

    /** {@return the event that it hears, with conditions} */
    public Map<String, Object> trigger() {
        return Collections.unmodifiableMap(trigger);
    }

    /** {@return what it gives} */
    public Map<String, Object> actions() {
        return Collections.unmodifiableMap(actions);
    }

    /** {@return how often it gives it} */
    public Map<String, Object> constraints() {
        return Collections.unmodifiableMap(constraints);
    }

    /** {@return the status of a draft or of one that begins or ends, or empty} */
    public Optional<String> status() {
        return Optional.ofNullable(status);
    }

    /** {@return why it can't give anything, or empty} */
    public Optional<String> fault() {
        return Optional.ofNullable(fault);
    }

    /** {@return whether it gives anything at present} */
    public boolean active() {
        return active;
    }

    /** {@return its place among rules that are limited together, or empty} */
    public Optional<Integer> priority() {
        return Optional.ofNullable(priority);
    }

    /** {@return the time from which it gives, or empty} */
    public Optional<String> startsAt() {
        return Optional.ofNullable(startsAt);
    }

    /** {@return the time until which it gives, or empty} */
    public Optional<String> endsAt() {
        return Optional.ofNullable(endsAt);
    }

    /** {@return its version, from 1, or empty} */
    public Optional<Integer> version() {
        return Optional.ofNullable(version);
    }

    /** {@return the time at which it was made, or empty} */
    public Optional<Instant> createdAt() {
        return Optional.ofNullable(createdAt);
    }

    /** {@return the time of this version, or empty} */
    public Optional<Instant> updatedAt() {
        return Optional.ofNullable(updatedAt);
    }

    /** {@return who made this version, or empty} */
    public Optional<String> createdBy() {
        return Optional.ofNullable(createdBy);
    }

    /** {@return whether it was deleted, or empty} */
    public Optional<Boolean> withdrawn() {
        return Optional.ofNullable(withdrawn);
    }
}
