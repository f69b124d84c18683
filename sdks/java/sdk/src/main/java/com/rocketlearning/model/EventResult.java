package com.rocketlearning.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** What became of an event. */
public final class EventResult {
    private String status;
    private String eventId;
    private Instant processedAt;
    private int pointsAwarded;
    private List<String> badges = List.of();
    private List<Decision> decisions = List.of();
    private String reason;

    private EventResult() {}

    /**
     * {@return the status: {@code processed}, {@code duplicate}, {@code ignored} or {@code held}}
     */
    public String status() {
        return status;
    }

    /** {@return the server's id of the event} */
    public String eventId() {
        return eventId;
    }

    /** {@return the time of the answer} */
    public Instant processedAt() {
        return processedAt;
    }

    /** {@return the points that the event gave, below 0 where it took some back} */
    public int pointsAwarded() {
        return pointsAwarded;
    }

    /** {@return the ids of badges that it gave} */
    public List<String> badges() {
        return Collections.unmodifiableList(badges);
    }

    /** {@return the decisions of the rules that hear this event} */
    public List<Decision> decisions() {
        return Collections.unmodifiableList(decisions);
    }

    /** {@return why it was ignored or held, or empty} */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }
}
