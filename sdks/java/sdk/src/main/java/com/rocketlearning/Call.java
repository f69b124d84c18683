package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import com.rocketlearning.exception.ValidationException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** A request before it has a server: the same for each try. */
final class Call {
    final String method;
    final String path;
    final byte[] body;
    final String idempotencyKey;
    private final Map<String, String> query = new LinkedHashMap<>();

    private Call(String method, String path, byte[] body, String idempotencyKey) {
        this.method = method;
        this.path = path;
        this.body = body;
        this.idempotencyKey = idempotencyKey;
    }

    static Call get(String path) {
        return new Call("GET", path, null, null);
    }

    static Call post(String path, Object body) {
        return new Call("POST", path, Json.write(body), null);
    }

    /** {@return the same with a key, under which the server does it once} */
    Call once(String key) {
        return new Call(method, path, body, key);
    }

    /** Adds to the query what is there; null isn't. */
    Call with(String name, Object value) {
        if (value != null) {
            query.put(
                    name,
                    value instanceof Instant ? Json.moment((Instant) value) : value.toString());
        }
        return this;
    }

    /** {@return the query as it is sent, with its question mark; empty where there is none} */
    String query() {
        return query.isEmpty()
                ? ""
                : query.entrySet().stream()
                        .map(one -> encode(one.getKey()) + "=" + encode(one.getValue()))
                        .collect(Collectors.joining("&", "?", ""));
    }

    /**
     * An id as a part of a path.
     *
     * @param name of the argument, for the error
     * @throws ValidationException for an id that would make it another path
     */
    static String segment(String name, String id) {
        Found found = new Found();
        found.check(name, id, value -> Checks.required(value, Checks::pathSegment));
        found.refuse();
        return encode(id);
    }

    /** Percent-encodes all but the unreserved characters of RFC 3986. */
    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }
}
