package com.rocketlearning;

import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.ConfigurationException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * Leaves a server alone that fails: after {@code threshold} failures in a row nothing is tried for
 * {@code reset}; then one trial is let through, and its outcome decides. Every client has one of
 * its own; several clients of one server may share one.
 *
 * <p>Each try asks {@link #tryAcquire()}; where that is true, exactly one of {@link #success()},
 * {@link #failure()} and {@link #cancel()} follows. All methods may be called by any thread.
 */
public final class CircuitBreaker {
    /** Whether tries are made. */
    public enum State {
        /** They are. */
        CLOSED,
        /** They aren't. */
        OPEN,
        /** One is under way, to see whether the server is back. */
        HALF_OPEN
    }

    private final int threshold;
    private final long resetNanos;
    private final LongSupplier nanoTime;
    private volatile BiConsumer<State, State> changed = (from, to) -> {};

    private State state = State.CLOSED;
    private int failures;
    private long openUntil;

    /**
     * A closed breaker.
     *
     * @param threshold how many failures in a row open it, at least 1
     * @param reset how long it stays open
     * @throws ConfigurationException for a threshold below 1 or a time below 0
     */
    public CircuitBreaker(int threshold, Duration reset) {
        this(threshold, reset, System::nanoTime);
    }

    CircuitBreaker(int threshold, Duration reset, LongSupplier nanoTime) {
        if (threshold < 1 || reset.isNegative()) {
            throw new ConfigurationException(
                    "Circuit breaker: threshold must be 1 or more, reset not below 0");
        }
        this.threshold = threshold;
        this.resetNanos = reset.toNanos();
        this.nanoTime = nanoTime;
    }

    /** {@return a closed breaker that 5 failures open for 60 s} */
    public static CircuitBreaker defaults() {
        return new CircuitBreaker(5, Duration.ofSeconds(60));
    }

    /** {@return the state after the last try; it becomes half-open only when somebody asks} */
    public synchronized State state() {
        return state;
    }

    /**
     * {@return how long nothing is tried any more; zero where it is closed or a trial is possible}
     */
    public synchronized Duration retryAfter() {
        return state == State.OPEN
                ? Duration.ofNanos(Math.max(0, openUntil - nanoTime.getAsLong()))
                : Duration.ZERO;
    }

    /** {@return whether a try may be made now} */
    public synchronized boolean tryAcquire() {
        if (state == State.OPEN && nanoTime.getAsLong() - openUntil >= 0) {
            become(State.HALF_OPEN);
            return true;
        }
        return state == State.CLOSED;
    }

    /** The server answered. */
    public synchronized void success() {
        if (state != State.OPEN) { // one that comes late says nothing of the server as it is now
            failures = 0;
            become(State.CLOSED);
        }
    }

    /** The server didn't answer, or failed. */
    public synchronized void failure() {
        failures++;
        if (state == State.HALF_OPEN || (state == State.CLOSED && failures >= threshold)) {
            openUntil = nanoTime.getAsLong() + resetNanos;
            become(State.OPEN);
        }
    }

    /** The try was given up before there was an outcome. */
    public synchronized void cancel() {
        if (state == State.HALF_OPEN) {
            openUntil = nanoTime.getAsLong();
            become(State.OPEN);
        }
    }

    /**
     * Does something of the caller's own under this breaker; whatever it throws is a failure.
     *
     * @param <T> what it answers
     * @param operation what is done
     * @return its answer
     * @throws CircuitOpenException where the breaker lets nothing through
     * @throws Exception what the operation throws
     */
    public <T> T execute(Callable<T> operation) throws Exception {
        if (!tryAcquire()) {
            throw new CircuitOpenException(retryAfter());
        }
        boolean done = false;
        try {
            T answer = operation.call();
            done = true;
            return answer;
        } finally {
            if (done) {
                success();
            } else {
                failure();
            }
        }
    }

    void onChange(BiConsumer<State, State> listener) {
        changed = changed.andThen(listener);
    }

    private void become(State next) {
        State before = state;
        state = next;
        if (before != next) {
            changed.accept(before, next);
        }
    }
}
