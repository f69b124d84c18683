package com.rocketlearning.conformance;

import static com.rocketlearning.conformance.Driver.RUN;
import static com.rocketlearning.conformance.Scenarios.lesson;

import com.rocketlearning.CircuitBreaker;
import com.rocketlearning.EventBuffer;
import com.rocketlearning.RetryPolicy;
import com.rocketlearning.RocketClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** What the live run asks of buffers. */
final class Buffering {
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);

    private Buffering() {}

    static void batches(Map<String, Object> facts) {
        AtomicInteger dead = new AtomicInteger();
        try (EventBuffer buffer =
                Driver.client()
                        .build()
                        .bufferBuilder()
                        .deadLetters(letter -> dead.incrementAndGet())
                        .build()) {
            for (int i = 0; i < 250; i++) {
                buffer.add(lesson(RUN + "-buffer").property("lesson_id", "lesson-" + i).build());
            }
        }
        facts.put("dead", dead.get());
    }

    static void deadLetters(Map<String, Object> facts) {
        List<String> reasons = new CopyOnWriteArrayList<>();
        RocketClient client = Driver.client().validateEvents(false).build();
        try (EventBuffer buffer =
                client.bufferBuilder()
                        .deadLetters(letter -> reasons.add(letter.reason().toString()))
                        .build()) {
            buffer.add(lesson(RUN + "-dead").build());
            buffer.add(Map.of("event", "bad", "user_id", RUN + "-dead"));
        }
        facts.put("reasons", reasons);
    }

    /** The server is killed while this buffer empties itself. */
    static void kill(int count, Map<String, Object> facts) {
        AtomicInteger dead = new AtomicInteger();
        RocketClient client =
                RocketClient.builder()
                        .timeout(Duration.ofSeconds(10))
                        .retryPolicy(
                                RetryPolicy.builder().baseDelay(Duration.ofMillis(100)).build())
                        .circuitBreaker(new CircuitBreaker(5, Duration.ofSeconds(1)))
                        .build();
        try (EventBuffer buffer =
                client.bufferBuilder()
                        .capacity(count)
                        .flushInterval(Duration.ofMillis(200))
                        .deadLetters(letter -> dead.incrementAndGet())
                        .build()) {
            for (int i = 0; i < count; i++) {
                buffer.add(
                        lesson(RUN + "-" + i % 100).property("lesson_id", "lesson-" + i).build());
            }
            long end = System.nanoTime() + PATIENCE_NANOS;
            while (buffer.waiting() > 0 && System.nanoTime() - end < 0) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
        }
        facts.put("added", count);
        facts.put("dead", dead.get());
    }

    /** Adds to a buffer, and ends as a program ends: nobody flushes, nobody closes. */
    static void exit() {
        @SuppressWarnings("resource")
        EventBuffer buffer = RocketClient.builder().build().buffer();
        for (int i = 0; i < 7; i++) {
            buffer.add(lesson(RUN + "-exit").property("lesson_id", "lesson-" + i).build());
        }
    }
}
