package com.rocketlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.ValidationException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The breaker, the retries and the tester, used for something of one's own. */
class PatternsTest {
    @Test
    @DisplayName("The breaker guards any operation")
    void guards() throws Exception {
        CircuitBreaker breaker = new CircuitBreaker(2, Duration.ofMinutes(1));
        assertEquals("done", breaker.execute(() -> "done"));
        for (int i = 0; i < 2; i++) {
            assertThrows(
                    IOException.class,
                    () ->
                            breaker.execute(
                                    () -> {
                                        throw new IOException("down");
                                    }));
        }
        assertEquals(CircuitBreaker.State.OPEN, breaker.state());
        assertThrows(CircuitOpenException.class, () -> breaker.execute(() -> "never"));
        assertThrows(ConfigurationException.class, () -> new CircuitBreaker(0, Duration.ZERO));
    }

    @Test
    @DisplayName(
            "The policy repeats any operation that failed for want of a network, and nothing else")
    void repeats() throws Exception {
        RetryPolicy policy = RetryPolicy.exponentialBackoff(2, Duration.ofMillis(1));
        AtomicInteger tries = new AtomicInteger();
        String answer =
                policy.execute(
                        () -> {
                            if (tries.incrementAndGet() < 3) {
                                throw new IOException("reset");
                            }
                            return "done";
                        });
        assertEquals("done", answer);
        assertEquals(3, tries.get());
        AtomicInteger others = new AtomicInteger();
        assertThrows(
                IllegalStateException.class,
                () ->
                        policy.execute(
                                () -> {
                                    others.incrementAndGet();
                                    throw new IllegalStateException("a mistake");
                                }));
        assertEquals(1, others.get());
    }

    @Test
    @DisplayName(
            "The tester sends what the server finds right, and says what is wrong with the rest")
    void tests() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(200, Map.of(), "{\"valid\":true,\"errors\":[]}")
                        .answer(200, Map.of(), "{\"status\":\"processed\"}")
                        .answer(
                                200,
                                Map.of(),
                                "{\"valid\":false,\"errors\":[{\"path\":\"event\",\"message\":\"is"
                                        + " unknown\"}]}");
        RocketClient client =
                RocketClient.builder()
                        .apiKey("rk_test_x")
                        .baseUrl("http://127.0.0.1:1")
                        .httpClient(http)
                        .build();
        RocketEventTester tester = new RocketEventTester(client);
        Event event = RocketEventTester.generateTestEvents("u", 1).get(0);
        assertEquals("processed", tester.sendTestEvent(event).status());
        ValidationException refused =
                assertThrows(ValidationException.class, () -> tester.sendTestEvent(event));
        assertEquals("event is unknown", refused.getMessage());
        assertEquals(3, http.sent.size());
        assertTrue(refused.errors().get(0).path().equals("event"));
    }
}
