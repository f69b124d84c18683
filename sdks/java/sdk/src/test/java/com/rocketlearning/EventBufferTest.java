package com.rocketlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.rocketlearning.exception.BufferClosedException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.ValidationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The buffer with its own thread. What it sends when is in the shared cases. */
@Timeout(60)
class EventBufferTest {
    private static Event event(int number) {
        return Event.builder().event("lesson.completed").userId("u").eventId("e" + number).build();
    }

    private static RocketClient client(RecordingHttpClient http) {
        return RocketClient.builder()
                .apiKey("rk_test_x")
                .baseUrl("http://127.0.0.1:1")
                .httpClient(http)
                .retryPolicy(RetryPolicy.none())
                .build();
    }

    @Test
    @DisplayName("A full batch is sent without anybody asking")
    void sendsByItself() throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        RecordingHttpClient http = new RecordingHttpClient();
        RocketClient client =
                RocketClient.builder()
                        .apiKey("rk_test_x")
                        .baseUrl("http://127.0.0.1:1")
                        .httpClient(http)
                        .listener(
                                new RocketListener() {
                                    @Override
                                    public void onAttempt(Attempt attempt) {
                                        sent.countDown();
                                    }
                                })
                        .build();
        try (EventBuffer buffer =
                client.bufferBuilder().maxSize(3).flushInterval(Duration.ofHours(1)).build()) {
            for (int i = 0; i < 3; i++) {
                buffer.add(event(i));
            }
            assertTrue(sent.await(30, TimeUnit.SECONDS));
        }
        assertEquals(1, http.sent.size());
        assertEquals(3, Cases.JSON.readTree(http.sent.get(0).body).get("events").size());
    }

    @Test
    @DisplayName("A part of a batch is sent when its time has come")
    void sendsInTime() throws Exception {
        RecordingHttpClient http = new RecordingHttpClient();
        try (EventBuffer buffer =
                client(http).bufferBuilder().flushInterval(Duration.ofMillis(20)).build()) {
            buffer.add(event(1));
            while (buffer.waiting() > 0) {
                Thread.sleep(5);
            }
            assertEquals(1, http.sent.size());
        }
    }

    @Test
    @DisplayName("Events of many threads are all sent, each once")
    void isSafeForThreads() throws Exception {
        RecordingHttpClient http = new RecordingHttpClient();
        List<Thread> threads = new ArrayList<>();
        try (EventBuffer buffer = client(http).bufferBuilder().maxSize(7).build()) {
            AtomicInteger number = new AtomicInteger();
            for (int i = 0; i < 10; i++) {
                threads.add(
                        new Thread(
                                () -> {
                                    for (int j = 0; j < 100; j++) {
                                        buffer.add(event(number.incrementAndGet()));
                                    }
                                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        List<String> ids = new ArrayList<>();
        for (RecordingHttpClient.Sent sent : http.sent) {
            JsonNode events = Cases.JSON.readTree(sent.body).get("events");
            assertTrue(events.size() <= 7);
            events.forEach(one -> ids.add(one.get("event_id").textValue()));
        }
        assertEquals(1000, ids.size());
        assertEquals(1000, ids.stream().distinct().count());
    }

    @Test
    @DisplayName("A wrong event is the adder's error, and the client closes its buffers")
    void refusesWhatCantBe() {
        RocketClient client = client(new RecordingHttpClient());
        EventBuffer buffer = client.buffer();
        assertThrows(
                ValidationException.class,
                () -> buffer.add(Map.of("event", "bad", "user_id", "u")));
        client.close();
        assertThrows(BufferClosedException.class, () -> buffer.add(event(1)));
        buffer.close(); // again, which does nothing
    }

    @Test
    @DisplayName("A file has a line of JSON for each event that wasn't delivered")
    void writesDeadLetters(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("dead.jsonl");
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .fail(new IOException("reset"))
                        .fail(new IOException("reset"));
        EventBuffer buffer =
                client(http).bufferBuilder().deadLetters(DeadLetterHandler.file(file)).build();
        buffer.add(event(1));
        buffer.add(event(2));
        buffer.close();
        List<String> lines = Files.readAllLines(file);
        assertEquals(2, lines.size());
        JsonNode first = Cases.JSON.readTree(lines.get(0));
        assertEquals("closed", first.get("reason").textValue());
        assertEquals("e1", first.get("event").get("event_id").textValue());
        assertTrue(first.get("error").isTextual());
        assertTrue(
                Instant.parse(first.get("at").textValue()).isBefore(Instant.now().plusSeconds(1)));
    }

    @Test
    @DisplayName("An answer about an event that wasn't sent takes no other event with it")
    void survivesOddAnswers() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(
                                200,
                                Map.of(),
                                "{\"results\":[{\"index\":99,\"status\":\"failed\"}]}");
        EventBuffer buffer = client(http).bufferBuilder().maxSize(1).build();
        buffer.add(event(1));
        buffer.add(event(2));
        buffer.close();
        assertEquals(2, http.sent.size());
    }

    @Test
    @DisplayName("A handler that throws doesn't stop the buffer")
    void survivesItsHandler() {
        RecordingHttpClient http = new RecordingHttpClient().answer(400, Map.of(), "");
        AtomicInteger called = new AtomicInteger();
        EventBuffer buffer =
                client(http)
                        .bufferBuilder()
                        .maxSize(1)
                        .deadLetters(
                                letter -> {
                                    called.incrementAndGet();
                                    throw new IllegalStateException("a mistake of the handler's");
                                })
                        .build();
        buffer.add(event(1));
        buffer.flush();
        buffer.add(event(2));
        buffer.close();
        assertEquals(1, called.get());
        assertEquals(2, http.sent.size());
    }

    @Test
    @DisplayName("A buffer that can't be is refused")
    void refusesItsNumbers() {
        EventBuffer.Builder builder = client(new RecordingHttpClient()).bufferBuilder();
        assertThrows(ConfigurationException.class, () -> builder.maxSize(0).build());
        assertThrows(ConfigurationException.class, () -> builder.maxSize(10_001).build());
        assertThrows(ConfigurationException.class, () -> builder.maxSize(100).capacity(99).build());
    }
}
