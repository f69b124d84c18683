package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A badge of the organisation. */
public final class Badge {
    private String badgeId;
    private String name;
    private String description;
    private String criteriaText;
    private List<String> tags = List.of();
    private boolean active;
    private boolean repeatable;
    private Integer expiresAfterDays;
    private Map<String, Object> criteria;
    private String criteriaFault;
    private String imageUrl;
    private Instant createdAt;
    private Instant updatedAt;

    private Badge() {}

    /** {@return the badge's id} */
    public String badgeId() {
        return badgeId;
    }

    /** {@return its name} */
    public String name() {
        return name;
    }

    /** {@return what it is for} */
    public String description() {
        return description;
    }

    /** {@return what has to be done for it, in words} */
    public String criteriaText() {
        return criteriaText;
    }

    /** {@return its tags} */
    public List<String> tags() {
        return Collections.unmodifiableList(tags);
    }

    /** {@return whether it is given at present} */
    public boolean active() {
        return active;
    }

    /** {@return whether a learner can have it more than once} */
    public boolean repeatable() {
        return repeatable;
    }

    /** {@return how many days it is valid for, or empty where that is for ever} */
    public Optional<Integer> expiresAfterDays() {
        return Optional.ofNullable(expiresAfterDays);
    }

    /** {@return what has to be done for it, as data, or empty} */
    public Optional<Map<String, Object>> criteria() {
        return Optional.ofNullable(criteria);
    }

    /** {@return why its criteria can't be met, or empty} */
    public Optional<String> criteriaFault() {
        return Optional.ofNullable(criteriaFault);
    }

    /** {@return the address of its picture} */
    public String imageUrl() {
        return imageUrl;
    }

    /** {@return the time at which it was made} */
    public Instant createdAt() {
        return createdAt;
    }

    /** {@return the time at which it was last changed} */
    public Instant updatedAt() {
        return updatedAt;
    }
}
