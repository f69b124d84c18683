package com.rocketlearning;

import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.RateLimitException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.ServerException;
import com.rocketlearning.exception.TransportException;
import java.time.Duration;

/** What the error of a try means for the next one. */
final class Outcome {
    private Outcome() {}

    /** {@return whether the same request may succeed later; null is a success} */
    static boolean mayPass(RocketException error) {
        return failed(error) || error instanceof RateLimitException;
    }

    /**
     * {@return whether the server didn't do its part, for the breaker to count; null is a success}
     */
    static boolean failed(RocketException error) {
        return error instanceof TransportException || error instanceof ServerException;
    }

    /** {@return how long the server asks to be left alone; zero where it doesn't} */
    static Duration retryAfter(RocketException error) {
        return error instanceof ApiException
                ? ((ApiException) error).retryAfter().orElse(Duration.ZERO)
                : Duration.ZERO;
    }
}
