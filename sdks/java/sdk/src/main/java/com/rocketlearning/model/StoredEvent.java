package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An event as it is kept. */
public final class StoredEvent {
    private String eventId;
    private String sourceEventId;
    private String source;
    private String status;
    private String reason;
    private String event;
    private String userId;
    private Instant timestamp;
    private Instant receivedAt;
    private Map<String, Object> properties = Map.of();
    private Map<String, Object> metadata = Map.of();
    private int pointsAwarded;
    private List<String> badges = List.of();
    private List<Decision> decisions = List.of();

    private StoredEvent() {}

    /** {@return the server's id} */
    public String eventId() {
        return eventId;
    }

    /** {@return the caller's id, or empty} */
    public Optional<String> sourceEventId() {
        return Optional.ofNullable(sourceEventId);
    }

    /** {@return the source} */
    public String source() {
        return source;
    }

    /** {@return the status: {@code processed}, {@code ignored}, {@code held} or {@code failed}} */
    public String status() {
        return status;
    }

    /** {@return why it was ignored, held or failed, or empty} */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }

    /** {@return the event's name} */
    public String event() {
        return event;
    }

    /** {@return the learner, or empty} */
    public Optional<String> userId() {
        return Optional.ofNullable(userId);
    }

    /** {@return the time at which it happened} */
    public Instant timestamp() {
        return timestamp;
    }

    /** {@return the time at which it came in} */
    public Instant receivedAt() {
        return receivedAt;
    }

    /** {@return what is known of it} */
    public Map<String, Object> properties() {
        return Collections.unmodifiableMap(properties);
    }

    /** {@return where it comes from} */
    public Map<String, Object> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /** {@return the points that it gave} */
    public int pointsAwarded() {
        return pointsAwarded;
    }

    /** {@return the ids of badges that it gave} */
    public List<String> badges() {
        return Collections.unmodifiableList(badges);
    }

    /** {@return the decisions of rules} */
    public List<Decision> decisions() {
        return Collections.unmodifiableList(decisions);
    }
}
