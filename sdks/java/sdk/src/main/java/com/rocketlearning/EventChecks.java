package com.rocketlearning;

import com.rocketlearning.Checks.Check;
import com.rocketlearning.Checks.Found;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The event schema: what the server would refuse, found before anything is sent. */
final class EventChecks {
    private static final int MAX_NAME = 100;
    private static final Pattern NAME = Pattern.compile("[a-z]+\\.[a-z_]+");
    private static final Pattern TIME =
            Pattern.compile(
                    "(\\d{4}-\\d\\d-\\d\\d)[Tt"
                        + " ]((?:[01]\\d|2[0-3]):[0-5]\\d:)([0-6]\\d)(?:\\.\\d{1,30})?([Zz]|[+-]\\d\\d:\\d\\d)?");
    private static final Pattern DIGITS = Pattern.compile("\\d{1,20}");
    private static final Instant EARLIEST = Instant.parse("2000-01-01T00:00:00Z");
    private static final BigDecimal EARLIEST_S = BigDecimal.valueOf(EARLIEST.getEpochSecond());

    /** Where seconds end and milliseconds begin: 1973 as milliseconds, the year 5138 as seconds. */
    private static final BigDecimal MILLISECONDS_FROM = new BigDecimal("1e11");

    private static final Map<String, Check> PROPERTIES =
            Map.of(
                    "course_id", Checks::identifier,
                    "section_id", Checks::identifier,
                    "lesson_id", Checks::identifier,
                    "quiz_id", Checks::identifier,
                    "attempt_id", Checks::identifier,
                    "object_id", Checks::identifier,
                    "progress_pct", Checks::percentage,
                    "time_on_task_sec", Checks::seconds);
    private static final Map<String, Check> METADATA = Map.of("event_id", Checks::identifier);

    private EventChecks() {}

    /**
     * Notes what is wrong with an event in the API's own form, either spelling, behind {@code
     * path}.
     */
    static void check(Map<String, Object> event, String path, Found found) {
        found.check(
                path + "event",
                event.get("event"),
                value -> Checks.required(value, EventChecks::name));
        Object user = event.get("user");
        if (user instanceof Map && !event.containsKey("user_id")) {
            Object id = ((Map<?, ?>) user).get("id");
            found.check(path + "user.id", id, value -> Checks.required(value, Checks::userId));
        } else {
            found.check(
                    path + "user_id",
                    event.get("user_id"),
                    value -> Checks.required(value, Checks::userId));
        }
        String time = event.containsKey("timestamp") ? "timestamp" : "occurred_at";
        found.check(path + time, event.get(time), EventChecks::time);
        group(event, "properties", PROPERTIES, path, found);
        group(event, "metadata", METADATA, path, found);
        for (String id : new String[] {"event_id", "id"}) {
            if (event.containsKey(id)) {
                found.check(path + id, event.get(id), Checks::identifier);
            }
        }
    }

    private static void group(
            Map<String, Object> event,
            String name,
            Map<String, Check> checks,
            String path,
            Found found) {
        Object fields = event.get(name);
        if (fields == null
                || (fields instanceof Collection && ((Collection<?>) fields).isEmpty())) {
            return; // the server takes an empty list for an empty object
        }
        if (!(fields instanceof Map)) {
            found.add(path + name, "must be an object");
            return;
        }
        checks.forEach(
                (field, check) -> {
                    Object value = ((Map<?, ?>) fields).get(field);
                    if (!Checks.isAbsent(value)) {
                        found.check(path + name + "." + field, value, check);
                    }
                });
    }

    private static String name(Object value) {
        if (!(value instanceof String) || !NAME.matcher((String) value).matches()) {
            return "must be domain.action in lower-case letters, such as \"course.completed\"";
        }
        return ((String) value).length() > MAX_NAME
                ? "must have at most " + MAX_NAME + " characters"
                : null;
    }

    /** How far ahead a time may be is the server's own setting, so it isn't looked at here. */
    private static String time(Object value) {
        if (value instanceof Number) {
            return seconds(Checks.decimal((Number) value));
        }
        String text = value instanceof String ? (String) value : "";
        if (DIGITS.matcher(text).matches()) {
            return seconds(new BigDecimal(text));
        }
        Matcher parts = TIME.matcher(text);
        if (!parts.matches()) {
            return "must be RFC 3339, such as \"2026-01-31T10:15:00Z\", or Unix seconds";
        }
        return exists(
                parts.group(1),
                parts.group(2) + parts.group(3).replace("60", "59"),
                parts.group(4));
    }

    private static String exists(String date, String time, String offset) {
        try {
            String text = date + "T" + time;
            boolean tooEarly =
                    offset == null
                            ? LocalDateTime.parse(text).getYear() < 1999
                            : OffsetDateTime.parse(text + offset.toUpperCase(Locale.ROOT))
                                    .toInstant()
                                    .isBefore(EARLIEST);
            return tooEarly ? "is before the year 2000" : null;
        } catch (DateTimeException e) {
            return "is not a time that exists";
        }
    }

    private static String seconds(BigDecimal value) {
        if (value == null || value.compareTo(MILLISECONDS_FROM) >= 0) {
            return "must be Unix seconds, not milliseconds";
        }
        return value.compareTo(EARLIEST_S) < 0 ? "is before the year 2000" : null;
    }
}
