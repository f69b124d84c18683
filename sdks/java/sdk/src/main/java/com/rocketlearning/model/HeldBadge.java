package com.rocketlearning.model;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** A badge that a learner has, or had. */
public final class HeldBadge {
    private String awardId;
    private String badgeId;
    private String name;
    private String description;
    private String status;
    private String cause;
    private String eventId;
    private String ruleId;
    private Integer ruleVersion;
    private String actor;
    private Map<String, Object> metadata;
    private Instant awardedAt;
    private Instant expiresAt;
    private Instant revokedAt;
    private String revokedReason;
    private String imageUrl;
    private String verificationUrl;

    private HeldBadge() {}

    /** {@return the award} */
    public String awardId() {
        return awardId;
    }

    /** {@return the badge} */
    public String badgeId() {
        return badgeId;
    }

    /** {@return the badge's name} */
    public String name() {
        return name;
    }

    /** {@return what it is for} */
    public String description() {
        return description;
    }

    /** {@return the status: {@code awarded}, {@code expired} or {@code revoked}} */
    public String status() {
        return status;
    }

    /** {@return by what it was given} */
    public String cause() {
        return cause;
    }

    /** {@return the event that gave it, or empty} */
    public Optional<String> eventId() {
        return Optional.ofNullable(eventId);
    }

    /** {@return the rule that gave it, or empty} */
    public Optional<String> ruleId() {
        return Optional.ofNullable(ruleId);
    }

    /** {@return the rule's version, or empty} */
    public Optional<Integer> ruleVersion() {
        return Optional.ofNullable(ruleVersion);
    }

    /** {@return who gave it, or empty} */
    public Optional<String> actor() {
        return Optional.ofNullable(actor);
    }

    /** {@return what the giver said, or empty} */
    public Optional<Map<String, Object>> metadata() {
        return Optional.ofNullable(metadata);
    }

    /** {@return the time at which it was given} */
    public Instant awardedAt() {
        return awardedAt;
    }

    /** {@return the time from which it isn't valid any more, or empty} */
    public Optional<Instant> expiresAt() {
        return Optional.ofNullable(expiresAt);
    }

    /** {@return the time at which it was taken back, or empty} */
    public Optional<Instant> revokedAt() {
        return Optional.ofNullable(revokedAt);
    }

    /** {@return why it was taken back, or empty} */
    public Optional<String> revokedReason() {
        return Optional.ofNullable(revokedReason);
    }

    /** {@return the address of its picture} */
    public String imageUrl() {
        return imageUrl;
    }

    /** {@return the address at which anyone can verify it} */
    public String verificationUrl() {
        return verificationUrl;
    }
}
