package com.rocketlearning;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** What a buffer holds, and when it is due. Time is an argument; not safe for threads. */
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
    private boolean held;
    private long heldUntil;

    BatchQueue(int maxSize, long intervalNanos, int capacity) {
        this.maxSize = maxSize;
        this.intervalNanos = intervalNanos;
        this.capacity = capacity;
    }

    /** {@return whether there was room} */
    boolean add(Map<String, Object> body, long now) {
        return queue.size() < capacity && queue.add(new Waiting(body, now));
    }

    int size() {
        return queue.size();
    }

    /** {@return 0 or less where a batch is due, and for ever where nothing waits} */
    long nanosUntilDue(long now) {
        if (queue.isEmpty()) {
            return Long.MAX_VALUE;
        }
        long ready = queue.size() >= maxSize ? 0 : queue.getFirst().since + intervalNanos - now;
        return held ? Math.max(ready, heldUntil - now) : ready;
    }

    /** {@return the next batch, of at most so many; it stays in the queue until it is done} */
    List<Map<String, Object>> front(int most) {
        List<Map<String, Object>> batch = new ArrayList<>();
        Iterator<Waiting> waiting = queue.iterator();
        while (waiting.hasNext() && batch.size() < Math.min(most, maxSize)) {
            batch.add(waiting.next().body);
        }
        return batch;
    }

    /** Takes a batch out that was delivered, or can't be. */
    void done(int size) {
        held = false;
        for (int i = 0; i < size; i++) {
            queue.removeFirst();
        }
    }

    /** Leaves a batch where it is: nothing is due for an interval. */
    void hold(long now) {
        held = true;
        heldUntil = now + intervalNanos;
    }
}
