package com.rocketlearning;

import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.FieldError;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What single values must be. A check answers null, or what is wrong; none is stricter than the
 * server.
 */
final class Checks {
    static final int MAX_ID = 255;
    static final int MAX_REASON = 1_000;
    static final int MAX_POINTS = 1_000_000;

    private static final Set<String> WORDS_FOR_NOTHING =
            Set.of("undefined", "null", "none", "nan", "[object object]", "true", "false");
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f]");
    private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,255}");

    private Checks() {}

    /** A check of one value, which isn't absent. */
    @FunctionalInterface
    interface Check {
        /** {@return what is wrong, or null} */
        String faultOf(Object value);
    }

    /** Errors by path: the first that is found at a path is kept. */
    static final class Found {
        private final Map<String, FieldError> errors = new LinkedHashMap<>();

        void add(String path, String message) {
            errors.putIfAbsent(path, new FieldError(path, message));
        }

        void check(String path, Object value, Check check) {
            String fault = check.faultOf(value);
            if (fault != null) {
                add(path, fault);
            }
        }

        /** Throws a ValidationException where anything was found. */
        void refuse() {
            if (!errors.isEmpty()) {
                throw new ValidationException(List.copyOf(errors.values()));
            }
        }
    }

    static boolean isAbsent(Object value) {
        return value == null || "".equals(value);
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    static String required(Object value, Check check) {
        return isAbsent(value) ? "is required" : check.faultOf(value);
    }

    /** What the id of a learner must be, so that it can stand in a URL. */
    static String userId(Object value) {
        if (!(value instanceof String)) {
            return "must be a string";
        }
        String id = (String) value;
        if (length(id) > MAX_ID) {
            return "must have at most " + MAX_ID + " characters, has " + length(id);
        }
        if (id.indexOf('/') >= 0) {
            return "must not contain a slash";
        }
        if (UNPRINTABLE.matcher(id).find() || hasHalfPair(id)) {
            return "must not contain control characters or halves of surrogate pairs";
        }
        if (!id.equals(id.strip())) {
            return "must not begin or end with a blank";
        }
        if (WORDS_FOR_NOTHING.contains(id.toLowerCase(Locale.ROOT))) {
            return "must be a learner's id; \""
                    + id
                    + "\" is what a program writes where it has none";
        }
        return null;
    }

    /** What stands in the path of a URL: none of those that would make it another path. */
    static String pathSegment(Object value) {
        if (".".equals(value) || "..".equals(value)) {
            return "must not be only dots";
        }
        return ((String) value).indexOf('/') >= 0 ? "must not contain a slash" : null;
    }

    /** Ids of other things: a text, or a whole number, which the server writes in digits. */
    static String identifier(Object value) {
        if (value instanceof String) {
            return length((String) value) > MAX_ID
                    ? "must have at most " + MAX_ID + " characters"
                    : null;
        }
        return isWhole(value) ? null : "must be a string or a whole number";
    }

    static String percentage(Object value) {
        return value instanceof Number
                        && within((Number) value, BigDecimal.ZERO, BigDecimal.valueOf(100))
                ? null
                : "must be a number from 0 to 100";
    }

    static String seconds(Object value) {
        return isWhole(value) && decimal((Number) value).signum() >= 0
                ? null
                : "must be a whole number of seconds, 0 or more";
    }

    static String points(Object value) {
        return isWhole(value)
                        && within((Number) value, BigDecimal.ONE, BigDecimal.valueOf(MAX_POINTS))
                ? null
                : "must be a whole number from 1 to " + MAX_POINTS;
    }

    static String reason(Object value) {
        return value instanceof String && length((String) value) <= MAX_REASON
                ? null
                : "must be a text of at most " + MAX_REASON + " characters";
    }

    static String text(Object value) {
        return value instanceof String ? null : "must be a string";
    }

    static String object(Object value) {
        return value instanceof Map ? null : "must be an object";
    }

    static String idempotencyKey(Object value) {
        return KEY.matcher((String) value).matches()
                ? null
                : "must be 1 to 255 printable ASCII characters without blanks";
    }

    static boolean isWhole(Object value) {
        if (!(value instanceof Number)) {
            return false;
        }
        BigDecimal number = decimal((Number) value);
        return number != null && (number.signum() == 0 || number.stripTrailingZeros().scale() <= 0);
    }

    static boolean within(Number value, BigDecimal min, BigDecimal max) {
        BigDecimal number = decimal(value);
        return number != null
                && (min == null || number.compareTo(min) >= 0)
                && (max == null || number.compareTo(max) <= 0);
    }

    /** {@return the exact value, or null for infinity and what is no number} */
    static BigDecimal decimal(Number number) {
        if (number instanceof BigDecimal) {
            return (BigDecimal) number;
        }
        if (number instanceof BigInteger) {
            return new BigDecimal((BigInteger) number);
        }
        if (number instanceof Double || number instanceof Float) {
            double value = number.doubleValue();
            return Double.isFinite(value) ? BigDecimal.valueOf(value) : null;
        }
        return BigDecimal.valueOf(number.longValue());
    }

    private static boolean hasHalfPair(String text) {
        return text.codePoints()
                .anyMatch(
                        point ->
                                point >= Character.MIN_SURROGATE
                                        && point <= Character.MAX_SURROGATE);
    }
}
