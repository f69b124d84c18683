package com.rocketlearning;

import java.util.LinkedHashMap;
import java.util.Map;

/** Points for, or from, a learner. */
public final class PointsRequest {
    private final String userId;
    private final int points;
    private final String reason;
    private final Map<String, ?> metadata;
    private final String idempotencyKey;

    private PointsRequest(
            String userId,
            int points,
            String reason,
            Map<String, ?> metadata,
            String idempotencyKey) {
        this.userId = userId;
        this.points = points;
        this.reason = reason;
        this.metadata = metadata;
        this.idempotencyKey = idempotencyKey;
    }

    /**
     * Says who, how many and why.
     *
     * @param userId the learner
     * @param points 1 to 1,000,000
     * @param reason what for, in at most 1,000 characters
     * @return the request
     */
    public static PointsRequest of(String userId, int points, String reason) {
        return new PointsRequest(userId, points, reason, null, null);
    }

    /**
     * The same with more that is known.
     *
     * @param values by name; they are kept with the entry
     * @return the request
     */
    public PointsRequest withMetadata(Map<String, ?> values) {
        return new PointsRequest(userId, points, reason, values, idempotencyKey);
    }

    /**
     * The same under a key of the caller's own, such as an order's number: whoever uses the key
     * again gets the first answer, and nothing is moved.
     *
     * @param key 1 to 255 printable ASCII characters without blanks
     * @return the request
     */
    public PointsRequest withIdempotencyKey(String key) {
        return new PointsRequest(userId, points, reason, metadata, key);
    }

    String idempotencyKey() {
        return idempotencyKey;
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("user_id", userId);
        fields.put("points", points);
        fields.put("reason", reason);
        fields.put("metadata", metadata);
        return fields;
    }
}
