package com.rocketlearning;

import com.rocketlearning.Checks.Found;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Requests as maps, under the API's names. */
final class Fields {
    private static final Map<String, String> ALIASES =
            Map.of("userId", "user_id", "badgeId", "badge_id");

    private Fields() {}

    /** {@return what is there, under the API's names; notes names that the API doesn't know} */
    static Map<String, Object> known(Map<String, Object> given, Set<String> names, Found found) {
        Map<String, Object> body = new LinkedHashMap<>();
        Json.plain(given)
                .forEach(
                        (name, value) -> {
                            if (!names.contains(ALIASES.getOrDefault(name, name))) {
                                found.add(name, "isn't a field of this request");
                            } else if (!Checks.isAbsent(value)) {
                                body.put(ALIASES.getOrDefault(name, name), value);
                            }
                        });
        return body;
    }

    static void checkMetadata(Map<String, Object> body, Found found) {
        if (body.containsKey("metadata")) {
            found.check("metadata", body.get("metadata"), Checks::object);
        }
    }

    /** {@return the caller's key, or one of {@code keys} where there is none} */
    static String key(String given, Supplier<String> keys, Found found) {
        if (Checks.isAbsent(given)) {
            return keys.get();
        }
        found.check("idempotency_key", given, Checks::idempotencyKey);
        return given;
    }
}
