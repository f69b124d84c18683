package com.rocketlearning.model;

import java.util.Collections;
import java.util.Map;

/** How the server is. */
public final class Health {
    private String status;
    private String version;
    private Map<String, Map<String, Object>> parts = Map.of();

    private Health() {}

    /** {@return the status: {@code ok}, or what is the matter} */
    public String status() {
        return status;
    }

    /** {@return the server's version} */
    public String version() {
        return version;
    }

    /** {@return the state of each part, by its name} */
    public Map<String, Map<String, Object>> parts() {
        return Collections.unmodifiableMap(parts);
    }
}
