package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Makes the body that is sent of what a caller gives: names, times and ids put right, and checked.
 */
final class EventForm {
    static final int MAX_BATCH = 10_000;

    private static final Map<String, String> ALIASES =
            Map.of("userId", "user_id", "eventId", "event_id");

    private final Clock clock;
    private final Supplier<String> ids;
    private final boolean validates;
    private volatile EventSchema schema;

    EventForm(Clock clock, Supplier<String> ids, boolean validates, EventSchema schema) {
        this.clock = clock;
        this.ids = ids;
        this.validates = validates;
        this.schema = schema;
    }

    void use(EventSchema newSchema) {
        schema = newSchema;
    }

    /** {@return the body of this event; the caller's object is left as it is} */
    Map<String, Object> one(Object given) {
        Found found = new Found();
        Map<String, Object> body = checked(given, "", found);
        found.refuse();
        return body;
    }

    /** {@return the bodies of these events} */
    List<Map<String, Object>> all(List<?> given) {
        Found found = new Found();
        if (given.isEmpty() || given.size() > MAX_BATCH) {
            found.add("events", "must be a list of 1 to " + MAX_BATCH + " events");
            found.refuse();
        }
        List<Map<String, Object>> bodies = new ArrayList<>(given.size());
        for (int index = 0; index < given.size(); index++) {
            bodies.add(checked(given.get(index), "events[" + index + "].", found));
        }
        found.refuse();
        return bodies;
    }

    /** {@return the body of this event, whatever may be wrong with it, for the server to say} */
    Map<String, Object> unchecked(Map<String, ?> given) {
        return stamped(named(fields(given), "", new Found()));
    }

    private Map<String, Object> checked(Object given, String path, Found found) {
        Map<String, Object> fields = fields(given);
        if (fields == null) {
            found.add(
                    path.isEmpty() ? "" : path.substring(0, path.length() - 1),
                    "must be an object");
            return Map.of();
        }
        Map<String, Object> body = stamped(named(fields, path, found));
        if (validates) {
            EventChecks.check(body, path, found);
            if (schema != null) {
                schema.check(body, path, found);
            }
        }
        return body;
    }

    private Map<String, Object> stamped(Map<String, Object> body) {
        if (!body.containsKey("timestamp") && !body.containsKey("occurred_at")) {
            body.put("timestamp", Json.moment(clock.instant()));
        }
        if (!hasId(body)) {
            body.put("event_id", ids.get());
        }
        return body;
    }

    private static Map<String, Object> fields(Object given) {
        if (given instanceof Event) {
            return ((Event) given).fields();
        }
        if (!(given instanceof Map)) {
            return null;
        }
        Map<String, Object> copy = new LinkedHashMap<>();
        ((Map<?, ?>) given).forEach((name, value) -> copy.put(String.valueOf(name), value));
        return Json.plain(copy);
    }

    /** What is there, under the API's names. */
    private static Map<String, Object> named(Map<String, Object> fields, String path, Found found) {
        Map<String, Object> body = new LinkedHashMap<>();
        fields.forEach(
                (name, value) -> {
                    if (!Checks.isAbsent(value) && !ALIASES.containsKey(name)) {
                        body.put(name, value);
                    }
                });
        ALIASES.forEach(
                (alias, name) -> {
                    Object value = fields.get(alias);
                    if (!Checks.isAbsent(value)
                            && !value.equals(body.computeIfAbsent(name, absent -> value))) {
                        found.add(path + alias, "says something else than " + name);
                    }
                });
        return body;
    }

    private static boolean hasId(Map<String, Object> body) {
        return body.containsKey("event_id")
                || body.containsKey("id")
                || isThere(body, "metadata", "event_id")
                || isThere(body, "trace", "lms_event_id");
    }

    private static boolean isThere(Map<String, Object> body, String group, String name) {
        Object fields = body.get(group);
        return fields instanceof Map && !Checks.isAbsent(((Map<?, ?>) fields).get(name));
    }
}
