package com.rocketlearning;

import com.rocketlearning.exception.BufferClosedException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * What a buffer holds, in its order, and when the next batch is due. Any thread may add; one takes
 * out.
 */
final class BatchQueue {
    private static final class Waiting {
        final Map<String, Object> body;
        final long since;

        Waiting(Map<String, Object> body, long since) {
            this.body = body;
            this.since = since;
        }
    }

    private final Deque<Waiting> queue = new ArrayDeque<>();
    private final int maxSize;
    private final long intervalNanos;
    private final int capacity;
    private final LongSupplier nanoTime;
    private boolean held;
    private long heldUntil;
    private boolean closed;

    BatchQueue(int maxSize, long intervalNanos, int capacity, LongSupplier nanoTime) {
        this.maxSize = maxSize;
        this.intervalNanos = intervalNanos;
        this.capacity = capacity;
        this.nanoTime = nanoTime;
    }

    /**
     * {@return whether there was room}
     *
     * @throws BufferClosedException after {@link #close()}
     */
    synchronized boolean add(Map<String, Object> body) {
        if (closed) {
            throw new BufferClosedException("The buffer is closed; the event wasn't taken");
        }
        if (queue.size() >= capacity) {
            return false;
        }
        queue.add(new Waiting(body, nanoTime.getAsLong()));
        notifyAll();
        return true;
    }

    /** Takes nothing more. What is there stays until it is done. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    synchronized int size() {
        return queue.size();
    }

    synchronized boolean isDue() {
        return nanosUntilDue() <= 0;
    }

    /** Waits until a batch is due; false where the queue is closed. */
    synchronized boolean awaitDue() throws InterruptedException {
        while (!closed && !isDue()) {
            TimeUnit.NANOSECONDS.timedWait(this, nanosUntilDue());
        }
        return !closed;
    }

    /** {@return the next batch, of at most so many; it stays in the queue until it is done} */
    synchronized List<Map<String, Object>> front(int most) {
        List<Map<String, Object>> batch = new ArrayList<>();
        Iterator<Waiting> waiting = queue.iterator();
        while (waiting.hasNext() && batch.size() < Math.min(most, maxSize)) {
            batch.add(waiting.next().body);
        }
        return batch;
    }

    /** Takes a batch out that was delivered, or can't be. */
    synchronized void done(int size) {
        held = false;
        for (int i = 0; i < size; i++) {
            queue.removeFirst();
        }
    }

    /** Leaves a batch where it is: nothing is due for an interval. */
    synchronized void hold() {
        held = true;
        heldUntil = nanoTime.getAsLong() + intervalNanos;
    }

    /** {@return 0 or less where a batch is due, and for ever where nothing waits} */
    private long nanosUntilDue() {
        if (queue.isEmpty()) {
            return Long.MAX_VALUE;
        }
        long now = nanoTime.getAsLong();
        long ready = queue.size() >= maxSize ? 0 : queue.getFirst().since + intervalNanos - now;
        return held ? Math.max(ready, heldUntil - now) : ready;
    }
}
