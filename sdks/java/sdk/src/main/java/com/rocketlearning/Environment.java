package com.rocketlearning;

import com.rocketlearning.exception.ConfigurationException;
import java.util.Locale;

/**
 * Which of the two hosted servers is meant where no base URL is given. Rocket Learning Rewards is
 * self-hosted, so most installations give one: {@link RocketClient.Builder#baseUrl(String)} or
 * {@code ROCKET_BASE_URL}.
 */
public enum Environment {
    /** What counts. Keys begin with {@code rk_live_}. */
    PRODUCTION("https://api.rocketlearningrewards.com"),
    /** For trying things. Keys begin with {@code rk_test_}. */
    STAGING("https://api.staging.rocketlearningrewards.com");

    private final String baseUrl;

    Environment(String baseUrl) {
        this.baseUrl = baseUrl;
    }

    /** {@return where this environment's server is} */
    public String baseUrl() {
        return baseUrl;
    }

    /**
     * The environment of this name, in any case.
     *
     * @param name {@code production} or {@code staging}
     * @return the environment
     * @throws ConfigurationException for any other name
     */
    public static Environment of(String name) {
        for (Environment environment : values()) {
            if (environment.name().equals(name.toUpperCase(Locale.ROOT))) {
                return environment;
            }
        }
        throw new ConfigurationException("environment must be production or staging, not " + name);
    }
}
