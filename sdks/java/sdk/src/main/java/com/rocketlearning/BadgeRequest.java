package com.rocketlearning;

import java.util.LinkedHashMap;
import java.util.Map;

/** A badge for a learner. */
public final class BadgeRequest {
    private final String userId;
    private final String badgeId;
    private final Map<String, ?> metadata;
    private final String idempotencyKey;

    private BadgeRequest(
            String userId, String badgeId, Map<String, ?> metadata, String idempotencyKey) {
        this.userId = userId;
        this.badgeId = badgeId;
        this.metadata = metadata;
        this.idempotencyKey = idempotencyKey;
    }

    /**
     * Says who gets which badge.
     *
     * @param userId the learner
     * @param badgeId the badge
     * @return the request
     */
    public static BadgeRequest of(String userId, String badgeId) {
        return new BadgeRequest(userId, badgeId, null, null);
    }

    /**
     * The same with more that is known.
     *
     * @param values by name; they are kept with the award
     * @return the request
     */
    public BadgeRequest withMetadata(Map<String, ?> values) {
        return new BadgeRequest(userId, badgeId, values, idempotencyKey);
    }

    /**
     * The same under a key of the caller's own, such as the number of a form: whoever uses the key
     * again gets the first answer, and nothing is given.
     *
     * @param key 1 to 255 printable ASCII characters without blanks
     * @return the request
     */
    public BadgeRequest withIdempotencyKey(String key) {
        return new BadgeRequest(userId, badgeId, metadata, key);
    }

    String idempotencyKey() {
        return idempotencyKey;
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("user_id", userId);
        fields.put("badge_id", badgeId);
        fields.put("metadata", metadata);
        return fields;
    }
}
