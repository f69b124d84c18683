package com.rocketlearning;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;

/**
 * Writes to the logger {@code com.rocketlearning}: each try at DEBUG, retries at INFO, changes of
 * the breaker at WARNING. Every logging framework can take over {@link System.Logger}; without one
 * it is {@code java.util.logging}.
 */
final class LoggingListener implements RocketListener {
    static final Logger LOG = System.getLogger("com.rocketlearning");

    @Override
    public void onAttempt(Attempt attempt) {
        LOG.log(Level.DEBUG, () -> attempt.toString());
    }

    @Override
    public void onRetry(Attempt attempt, Duration delay) {
        LOG.log(Level.INFO, () -> attempt + "; trying again in " + delay.toMillis() + " ms");
    }

    @Override
    public void onBreakerChange(CircuitBreaker.State from, CircuitBreaker.State to) {
        LOG.log(Level.WARNING, () -> "The circuit breaker went from " + from + " to " + to);
    }
}
