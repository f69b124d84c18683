package com.rocketlearning;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Something that a learner did.
 *
 * <p>An event is one happening: it gets its time and its id when it is built, so the same object
 * may be tracked again after an error, and counts once.
 *
 * <pre>{@code
 * Event event = Event.builder()
 *     .event("course.completed")
 *     .userId("user-123")
 *     .property("course_id", "course-456")
 *     .build();
 * }</pre>
 */
public final class Event {
    private final Map<String, Object> fields;

    private Event(Map<String, Object> fields) {
        this.fields = fields;
    }

    /** {@return a builder without anything} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return the event's name, or null where none was given} */
    public String event() {
        return (String) fields.get("event");
    }

    /** {@return the learner's id, or null where none was given} */
    public String userId() {
        return (String) fields.get("user_id");
    }

    /** {@return the caller's id of the event, by which it counts once} */
    public String eventId() {
        return (String) fields.get("event_id");
    }

    /** {@return the fields under the API's names, as they are sent; unmodifiable} */
    public Map<String, Object> fields() {
        return fields;
    }

    /** Two events are equal where all that is sent is. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Event && ((Event) other).fields.equals(fields);
    }

    @Override
    public int hashCode() {
        return fields.hashCode();
    }

    /** Names the event without what is known of the learner. */
    @Override
    public String toString() {
        return "Event[" + event() + ", " + eventId() + "]";
    }

    /**
     * Collects what is known of an event. It may be used again; each event that it builds is
     * another.
     */
    public static final class Builder {
        private final Map<String, Object> fields = new LinkedHashMap<>();
        private final Map<String, Object> properties = new LinkedHashMap<>();
        private final Map<String, Object> metadata = new LinkedHashMap<>();

        private Builder() {}

        /**
         * What happened.
         *
         * @param event a name of the form {@code domain.action}, such as {@code course.completed}
         * @return this
         */
        public Builder event(String event) {
            return with("event", event);
        }

        /**
         * Whom it is about.
         *
         * @param userId the learner's id, of at most 255 characters, without a slash
         * @return this
         */
        public Builder userId(String userId) {
            return with("user_id", userId);
        }

        /**
         * When it happened; when the event is built, if this isn't called.
         *
         * @param timestamp the moment; finer than milliseconds is cut off
         * @return this
         */
        public Builder timestamp(Instant timestamp) {
            return with("timestamp", timestamp);
        }

        /**
         * An id of the caller's own: however often it is sent, the event counts once. A random one,
         * if this isn't called.
         *
         * @param eventId at most 255 characters
         * @return this
         */
        public Builder eventId(String eventId) {
            return with("event_id", eventId);
        }

        /**
         * The platform where it happened; rules can ask for it.
         *
         * @param source the platform's name, of at most 100 characters
         * @return this
         */
        public Builder source(String source) {
            return metadata("source", source);
        }

        /**
         * Something that is known of it.
         *
         * @param name such as {@code course_id}
         * @param value text, number, boolean, moment, list, map, or anything that Jackson writes
         * @return this
         */
        public Builder property(String name, Object value) {
            properties.put(name, value);
            return this;
        }

        /**
         * Several things that are known of it.
         *
         * @param values by name
         * @return this
         */
        public Builder properties(Map<String, ?> values) {
            properties.putAll(values);
            return this;
        }

        /**
         * Something about where it comes from.
         *
         * @param name such as {@code lms_event_id}
         * @param value text, number, boolean, moment, list, map, or anything that Jackson writes
         * @return this
         */
        public Builder metadata(String name, Object value) {
            metadata.put(name, value);
            return this;
        }

        /**
         * The event. What is missing or wrong is said when it is tracked, all at once.
         *
         * @return an event that doesn't change any more
         */
        public Event build() {
            Map<String, Object> all = new LinkedHashMap<>();
            fields.forEach(
                    (name, value) -> {
                        if (!Checks.isAbsent(value)) {
                            all.put(name, value);
                        }
                    });
            all.putIfAbsent("timestamp", Instant.now());
            all.putIfAbsent("event_id", UUID.randomUUID().toString());
            if (!properties.isEmpty()) {
                all.put("properties", properties);
            }
            if (!metadata.isEmpty()) {
                all.put("metadata", metadata);
            }
            return new Event(Collections.unmodifiableMap(Json.plain(all)));
        }

        private Builder with(String name, Object value) {
            fields.put(name, value);
            return this;
        }
    }
}
