package com.rocketlearning;

import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.NetworkException;
import com.rocketlearning.exception.RocketException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Whether a request that failed is made again, and when. Network errors, time-outs, 5xx and 429 are
 * tried again, other answers never. Each try carries the same idempotency key or event id, so it
 * counts once.
 *
 * <pre>
 * delay = min(baseDelay × multiplier^retry, maxDelay) × (1 − jitter × random)
 * with Retry-After: max(delay, min(retryAfter, maxRetryAfter))
 * </pre>
 */
public final class RetryPolicy {
    private final boolean enabled;
    private final int maxRetries;
    private final Duration baseDelay;
    private final double multiplier;
    private final Duration maxDelay;
    private final double jitter;
    private final Duration maxRetryAfter;

    private RetryPolicy(Builder builder) {
        enabled = builder.enabled;
        maxRetries = builder.maxRetries;
        baseDelay = builder.baseDelay;
        multiplier = builder.multiplier;
        maxDelay = builder.maxDelay;
        jitter = builder.jitter;
        maxRetryAfter = builder.maxRetryAfter;
    }

    /** {@return 3 retries after about 1, 2 and 4 seconds} */
    public static RetryPolicy defaults() {
        return builder().build();
    }

    /** {@return one try, and no more} */
    public static RetryPolicy none() {
        return builder().enabled(false).build();
    }

    /**
     * Retries after a delay that doubles.
     *
     * @param maxRetries how many, after the first try
     * @param baseDelay the delay before the first retry
     * @return the policy
     * @throws ConfigurationException for a number or a delay below 0
     */
    public static RetryPolicy exponentialBackoff(int maxRetries, Duration baseDelay) {
        return builder().maxRetries(maxRetries).baseDelay(baseDelay).build();
    }

    /** {@return a builder with the defaults} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return how many retries there are at most} */
    public int maxRetries() {
        return enabled ? maxRetries : 0;
    }

    /** {@return the delay before the first retry, without jitter} */
    public Duration baseDelay() {
        return baseDelay;
    }

    /**
     * The wait before the next try, or empty where there is none.
     *
     * @param retry how many retries were made already
     * @param error of the last try
     * @param random from 0 to 1
     */
    Optional<Duration> delay(int retry, RocketException error, double random) {
        if (retry >= maxRetries() || !Outcome.mayPass(error)) {
            return Optional.empty();
        }
        double grownMs =
                Math.min(
                        baseDelay.toMillis() * Math.pow(multiplier, retry),
                        (double) maxDelay.toMillis());
        Duration delay = Duration.ofNanos(Math.round(grownMs * 1e6 * (1 - jitter * random)));
        Duration asked = min(Outcome.retryAfter(error), maxRetryAfter);
        return Optional.of(asked.compareTo(delay) > 0 ? asked : delay);
    }

    /**
     * Does something of the caller's own, again where an {@link IOException} or an error of this
     * library says that it may pass. The caller's thread waits in between.
     *
     * @param <T> what it answers
     * @param operation what is done; it must not matter how often
     * @return its answer
     * @throws Exception what the last try threw
     */
    public <T> T execute(Callable<T> operation) throws Exception {
        for (int retry = 0; ; retry++) {
            try {
                return operation.call();
            } catch (IOException | RocketException e) {
                RocketException error =
                        e instanceof RocketException
                                ? (RocketException) e
                                : new NetworkException("", e);
                Optional<Duration> delay =
                        delay(retry, error, ThreadLocalRandom.current().nextDouble());
                if (delay.isEmpty()) {
                    throw e;
                }
                Thread.sleep(delay.get().toMillis());
            }
        }
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** Collects the numbers of a policy. */
    public static final class Builder {
        private boolean enabled = true;
        private int maxRetries = 3;
        private Duration baseDelay = Duration.ofSeconds(1);
        private double multiplier = 2;
        private Duration maxDelay = Duration.ofSeconds(30);
        private double jitter = 0.5;
        private Duration maxRetryAfter = Duration.ofSeconds(60);

        private Builder() {}

        /**
         * Whether anything is tried again.
         *
         * @param value true by default
         * @return this
         */
        public Builder enabled(boolean value) {
            enabled = value;
            return this;
        }

        /**
         * How many retries there are after the first try.
         *
         * @param value 3 by default
         * @return this
         */
        public Builder maxRetries(int value) {
            maxRetries = value;
            return this;
        }

        /**
         * The delay before the first retry.
         *
         * @param value 1 s by default
         * @return this
         */
        public Builder baseDelay(Duration value) {
            baseDelay = value;
            return this;
        }

        /**
         * What the delay is multiplied by each time.
         *
         * @param value 2 by default, at least 1
         * @return this
         */
        public Builder multiplier(double value) {
            multiplier = value;
            return this;
        }

        /**
         * What the delay doesn't grow beyond.
         *
         * @param value 30 s by default
         * @return this
         */
        public Builder maxDelay(Duration value) {
            maxDelay = value;
            return this;
        }

        /**
         * The part of the delay that chance may take away, so that clients don't come back all at
         * once.
         *
         * @param value 0 to 1; 0.5 by default
         * @return this
         */
        public Builder jitter(double value) {
            jitter = value;
            return this;
        }

        /**
         * How long a server's {@code Retry-After} is heeded.
         *
         * @param value 60 s by default
         * @return this
         */
        public Builder maxRetryAfter(Duration value) {
            maxRetryAfter = value;
            return this;
        }

        /**
         * The policy.
         *
         * @return a policy that doesn't change any more
         * @throws ConfigurationException for a number out of its bounds
         */
        public RetryPolicy build() {
            expect(maxRetries >= 0, "maxRetries must be 0 or more");
            expect(!baseDelay.isNegative(), "baseDelay must not be below 0");
            expect(multiplier >= 1 && Double.isFinite(multiplier), "multiplier must be 1 or more");
            expect(!maxDelay.isNegative(), "maxDelay must not be below 0");
            expect(jitter >= 0 && jitter <= 1, "jitter must be from 0 to 1");
            expect(!maxRetryAfter.isNegative(), "maxRetryAfter must not be below 0");
            return new RetryPolicy(this);
        }

        private static void expect(boolean holds, String what) {
            if (!holds) {
                throw new ConfigurationException("Retry policy: " + what);
            }
        }
    }
}
