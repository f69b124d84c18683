package com.rocketlearning.spring;

import com.rocketlearning.Environment;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What the client is made of.
 *
 * @param api the key of the organisation
 * @param baseUrl where the server is; else {@code ROCKET_BASE_URL}, else the environment's own
 * @param environment which server is meant where there is no base URL
 * @param timeout how long one try of a request may take
 * @param validateEvents whether events are checked before they are sent
 * @param retry when a request that failed is made again
 * @param circuitBreaker when a failing server is left alone
 */
@ConfigurationProperties("rocket")
public record RocketProperties(
        @DefaultValue Api api,
        String baseUrl,
        @DefaultValue("production") Environment environment,
        @DefaultValue("30s") Duration timeout,
        @DefaultValue("true") boolean validateEvents,
        @DefaultValue Retry retry,
        @DefaultValue CircuitBreaker circuitBreaker) {

    /**
     * Who is calling.
     *
     * @param key the key of the organisation; else {@code ROCKET_API_KEY}
     */
    public record Api(String key) {
        /** Doesn't show the key. */
        @Override
        public String toString() {
            return "Api[key=" + (key == null ? "none" : "***") + "]";
        }
    }

    /**
     * When a request that failed is made again.
     *
     * @param enabled whether it is
     * @param maxRetries how often, after the first try
     * @param baseDelay the delay before the first retry
     * @param multiplier what the delay is multiplied by each time
     * @param maxDelay what the delay doesn't grow beyond
     * @param jitter the part of the delay that chance may take away, 0 to 1
     * @param maxRetryAfter how long a server's {@code Retry-After} is heeded
     */
    public record Retry(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("3") int maxRetries,
            @DefaultValue("1s") Duration baseDelay,
            @DefaultValue("2") double multiplier,
            @DefaultValue("30s") Duration maxDelay,
            @DefaultValue("0.5") double jitter,
            @DefaultValue("60s") Duration maxRetryAfter) {}

    /**
     * When a failing server is left alone.
     *
     * @param threshold how many failures in a row open the breaker
     * @param reset how long it stays open
     */
    public record CircuitBreaker(
            @DefaultValue("5") int threshold, @DefaultValue("60s") Duration reset) {}
}
