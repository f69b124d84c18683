package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import com.rocketlearning.exception.ConfigurationException;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A schema of the caller's own, checked after the event schema and before anything is sent.
 *
 * <pre>{@code
 * EventSchema schema = EventSchema.of(Map.of(
 *     "properties", Map.of(
 *         "course_id", Map.of("type", "string", "required", true),
 *         "progress_pct", Map.of("type", "number", "min", 0, "max", 100))));
 * }</pre>
 *
 * An object whose {@code type} is a text is a rule; every other object is a group of rules by name.
 * A rule has {@code type} (string, number, integer, boolean, object, array), {@code required}
 * (false by default), and {@code min} and {@code max}: of a number its value, of a text its length
 * in characters, of an array its length. Null and the empty text are absent.
 */
public final class EventSchema {
    private static final Map<String, String> TOP_LEVEL =
            Map.of("userId", "user_id", "eventId", "event_id");

    private final Group root;

    private EventSchema(Group root) {
        this.root = root;
    }

    /**
     * Reads a schema.
     *
     * @param schema groups and rules by name
     * @return the schema
     * @throws ConfigurationException naming the path of what can't be read
     */
    public static EventSchema of(Map<String, ?> schema) {
        Map<String, Object> named = new LinkedHashMap<>();
        schema.forEach((name, rule) -> named.put(TOP_LEVEL.getOrDefault(name, name), rule));
        return new EventSchema(Group.read(named, ""));
    }

    /** Notes what is wrong with an event in the API's own form, behind {@code path}. */
    void check(Map<String, Object> event, String path, Found found) {
        root.checkFields(event, path, found);
    }

    private interface Node {
        void check(Object value, String path, Found found);
    }

    private static final class Group implements Node {
        private final Map<String, Node> nodes;

        private Group(Map<String, Node> nodes) {
            this.nodes = nodes;
        }

        static Group read(Map<?, ?> group, String path) {
            Map<String, Node> nodes = new LinkedHashMap<>();
            group.forEach(
                    (key, value) -> nodes.put(String.valueOf(key), readNode(value, path + key)));
            return new Group(nodes);
        }

        private static Node readNode(Object value, String path) {
            if (!(value instanceof Map)) {
                throw new ConfigurationException(
                        "Event schema: " + path + " must be a rule or a group of rules");
            }
            Map<?, ?> fields = (Map<?, ?>) value;
            return fields.get("type") instanceof String
                    ? Rule.read(fields, path)
                    : read(fields, path + ".");
        }

        @Override
        public void check(Object value, String path, Found found) {
            if (value instanceof Map || Checks.isAbsent(value)) {
                checkFields(value instanceof Map ? (Map<?, ?>) value : Map.of(), path + ".", found);
            } else {
                found.add(path, "must be an object");
            }
        }

        void checkFields(Map<?, ?> fields, String path, Found found) {
            nodes.forEach((name, node) -> node.check(fields.get(name), path + name, found));
        }
    }

    private static final class Rule implements Node {
        private static final List<String> TYPES =
                List.of("string", "number", "integer", "boolean", "object", "array");
        private static final List<String> UNMEASURED = List.of("boolean", "object");
        private static final List<String> KEYS = List.of("type", "required", "min", "max");

        private final String type;
        private final boolean required;
        private final BigDecimal min;
        private final BigDecimal max;

        private Rule(String type, boolean required, BigDecimal min, BigDecimal max) {
            this.type = type;
            this.required = required;
            this.min = min;
            this.max = max;
        }

        static Rule read(Map<?, ?> fields, String path) {
            String type = (String) fields.get("type");
            for (Object key : fields.keySet()) {
                expect(
                        KEYS.contains(String.valueOf(key)),
                        path + "." + key,
                        "isn't one of " + KEYS);
            }
            expect(TYPES.contains(type), path + ".type", "must be one of " + TYPES);
            Object required = fields.get("required");
            expect(
                    required == null || required instanceof Boolean,
                    path + ".required",
                    "must be true or false");
            BigDecimal min = bound(fields, "min", type, path);
            BigDecimal max = bound(fields, "max", type, path);
            expect(
                    min == null || max == null || min.compareTo(max) <= 0,
                    path + ".min",
                    "is above max");
            return new Rule(type, Boolean.TRUE.equals(required), min, max);
        }

        private static BigDecimal bound(Map<?, ?> fields, String name, String type, String path) {
            Object value = fields.get(name);
            if (value == null) {
                return null;
            }
            BigDecimal bound = value instanceof Number ? Checks.decimal((Number) value) : null;
            expect(bound != null, path + "." + name, "must be a number");
            expect(!UNMEASURED.contains(type), path + "." + name, "isn't for the type " + type);
            return bound;
        }

        private static void expect(boolean holds, String path, String what) {
            if (!holds) {
                throw new ConfigurationException("Event schema: " + path + " " + what);
            }
        }

        @Override
        public void check(Object value, String path, Found found) {
            if (Checks.isAbsent(value)) {
                if (required) {
                    found.add(path, "is required");
                }
            } else if (!hasType(value)) {
                found.add(path, "must be of the type " + type);
            } else if ((min != null || max != null) && !Checks.within(measure(value), min, max)) {
                found.add(path, bounds());
            }
        }

        private boolean hasType(Object value) {
            switch (type) {
                case "string":
                    return value instanceof String;
                case "number":
                    return value instanceof Number;
                case "integer":
                    return Checks.isWhole(value);
                case "boolean":
                    return value instanceof Boolean;
                case "object":
                    return value instanceof Map;
                default:
                    return value instanceof List;
            }
        }

        private static Number measure(Object value) {
            if (value instanceof String) {
                return Checks.length((String) value);
            }
            return value instanceof List ? ((List<?>) value).size() : (Number) value;
        }

        private String bounds() {
            String what =
                    "string".equals(type) || "array".equals(type)
                            ? "must have a length of "
                            : "must be ";
            if (min == null) {
                return what + "at most " + max.toPlainString();
            }
            return what
                    + (max == null
                            ? "at least " + min.toPlainString()
                            : min.toPlainString() + " to " + max.toPlainString());
        }
    }
}
