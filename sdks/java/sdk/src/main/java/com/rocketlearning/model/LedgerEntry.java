package com.rocketlearning.model;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Points that came or went. */
public final class LedgerEntry {
    private String entryId;
    private long number;
    private String kind;
    private long points;
    private long balanceAfter;
    private String reason;
    private String eventId;
    private String ruleId;
    private Integer ruleVersion;
    private String reverses;
    private String actor;
    private Map<String, Object> metadata;
    private Instant occurredAt;
    private Instant createdAt;

    private LedgerEntry() {}

    /** {@return the entry} */
    public String entryId() {
        return entryId;
    }

    /** {@return its number among the learner's entries, from 1} */
    public long number() {
        return number;
    }

    /** {@return the kind} */
    public String kind() {
        return kind;
    }

    /** {@return the points, below 0 where they went} */
    public long points() {
        return points;
    }

    /** {@return the balance after it} */
    public long balanceAfter() {
        return balanceAfter;
    }

    /** {@return the reason that was given, or empty} */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }

    /** {@return the event behind it, or empty} */
    public Optional<String> eventId() {
        return Optional.ofNullable(eventId);
    }

    /** {@return the rule behind it, or empty} */
    public Optional<String> ruleId() {
        return Optional.ofNullable(ruleId);
    }

    /** {@return the rule's version, or empty} */
    public Optional<Integer> ruleVersion() {
        return Optional.ofNullable(ruleVersion);
    }

    /** {@return the entry that it undoes, or empty} */
    public Optional<String> reverses() {
        return Optional.ofNullable(reverses);
    }

    /** {@return who did it, or empty} */
    public Optional<String> actor() {
        return Optional.ofNullable(actor);
    }

    /** {@return what the caller said, or empty} */
    public Optional<Map<String, Object>> metadata() {
        return Optional.ofNullable(metadata);
    }

    /** {@return the time for which it counts} */
    public Instant occurredAt() {
        return occurredAt;
    }

    /** {@return the time at which it was written} */
    public Instant createdAt() {
        return createdAt;
    }
}
