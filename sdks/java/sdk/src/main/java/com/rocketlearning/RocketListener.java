package com.rocketlearning;

import com.rocketlearning.exception.RocketException;
import java.time.Duration;

/**
 * Hears what a client does: for logs, metrics and traces. It is called by the threads that do the
 * work, so it must be quick and safe for threads. Bodies and keys are never told; what it throws is
 * logged and changes nothing.
 */
public interface RocketListener {
    /**
     * A try is over.
     *
     * @param attempt which one, and how it ended
     */
    default void onAttempt(Attempt attempt) {}

    /**
     * A request that failed will be made again.
     *
     * @param attempt the try that failed
     * @param delay how long is waited before the next
     */
    default void onRetry(Attempt attempt, Duration delay) {}

    /**
     * The circuit breaker changed.
     *
     * @param from the state before
     * @param to the state now
     */
    default void onBreakerChange(CircuitBreaker.State from, CircuitBreaker.State to) {}

    /** One try of a request. */
    final class Attempt {
        private final String method;
        private final String url;
        private final int number;
        private final int status;
        private final RocketException error;
        private final Duration duration;

        Attempt(
                String method,
                String url,
                int number,
                int status,
                RocketException error,
                Duration duration) {
            this.method = method;
            this.url = url;
            this.number = number;
            this.status = status;
            this.error = error;
            this.duration = duration;
        }

        /** {@return the HTTP method} */
        public String method() {
            return method;
        }

        /** {@return the address, without its query} */
        public String url() {
            return url;
        }

        /** {@return the number of the try, from 1} */
        public int number() {
            return number;
        }

        /** {@return the HTTP status, or 0 where no answer came} */
        public int status() {
            return status;
        }

        /**
         * {@return what the call would end with if this were the last try; null after a success}
         */
        public RocketException error() {
            return error;
        }

        /** {@return how long the try took} */
        public Duration duration() {
            return duration;
        }

        @Override
        public String toString() {
            String outcome =
                    status == 0 ? error.getMessage() : method + " " + url + ": HTTP " + status;
            return outcome + " (try " + number + ", " + duration.toMillis() + " ms)";
        }
    }
}
