package com.rocketlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rocketlearning.RocketListener.Attempt;
import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.NetworkException;
import com.rocketlearning.exception.RequestTimeoutException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.ServerException;
import com.rocketlearning.exception.TransportException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.Balance;
import com.rocketlearning.model.PointsResult;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client on real sockets, and what callers see of it. */
@Timeout(60)
class RocketClientTest {
    private static final String KEY = "rk_test_secret";
    private static final String MOVED = "{\"entry_id\":\"e\",\"points\":5,\"balance\":5}";

    private static RocketClient.Builder client(String url) {
        return RocketClient.builder()
                .apiKey(KEY)
                .baseUrl(url)
                .retryPolicy(RetryPolicy.exponentialBackoff(3, Duration.ofMillis(1)));
    }

    private static RocketClient client(RecordingHttpClient http) {
        return client("http://127.0.0.1:1").httpClient(http).build();
    }

    @Test
    @DisplayName("A connection that breaks is tried again, with the same key")
    void triesAgainWithTheSameKey() throws Exception {
        try (RawServer server =
                new RawServer(
                        RawServer.reset(), RawServer.answer(503, "", ""), RawServer.ok(MOVED))) {
            PointsResult result = client(server.url()).build().points().award("u", 5, "r");
            assertEquals(5, result.balance());
            List<String> keys = new ArrayList<>();
            for (String request : server.requests) {
                Matcher key = Pattern.compile("(?i)idempotency-key: (\\S+)").matcher(request);
                assertTrue(key.find());
                keys.add(key.group(1));
            }
            assertEquals(3, keys.size());
            assertEquals(1, keys.stream().distinct().count());
        }
    }

    @Test
    @DisplayName("An answer that stops in the middle is a time-out, not a wait for ever")
    void boundsTheWholeAnswer() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        try (RawServer server = new RawServer(RawServer.stall(over))) {
            RocketClient client =
                    client(server.url())
                            .timeout(Duration.ofMillis(200))
                            .retryPolicy(RetryPolicy.none())
                            .build();
            assertThrows(RequestTimeoutException.class, () -> client.users().getBalance("u"));
        } finally {
            over.countDown();
        }
    }

    @Test
    @DisplayName("Nobody listening is a network error, and the breaker opens after five")
    void opensTheBreaker() throws Exception {
        String url;
        try (RawServer server = new RawServer()) {
            url = server.url();
        }
        RocketClient client = client(url).retryPolicy(RetryPolicy.none()).build();
        for (int i = 0; i < 5; i++) {
            assertThrows(NetworkException.class, () -> client.users().getBalance("u"));
        }
        CircuitOpenException open =
                assertThrows(CircuitOpenException.class, () -> client.users().getBalance("u"));
        assertTrue(open.retryAfter().compareTo(Duration.ofSeconds(50)) > 0);
    }

    @Test
    @DisplayName("An interrupted caller gets an exception at once, and stays interrupted")
    void heedsInterrupts() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        try (RawServer server = new RawServer(RawServer.stall(over))) {
            RocketClient client = client(server.url()).build();
            CompletableFuture<Boolean> outcome = new CompletableFuture<>();
            Thread caller =
                    new Thread(
                            () -> {
                                assertThrows(
                                        TransportException.class,
                                        () -> client.users().getBalance("u"));
                                outcome.complete(Thread.currentThread().isInterrupted());
                            });
            caller.start();
            server.arrived.await();
            caller.interrupt();
            assertTrue(outcome.get());
        } finally {
            over.countDown();
        }
    }

    @Test
    @DisplayName(
            "A future that is cancelled isn't tried again, and counts for nothing with the breaker")
    void heedsCancellation() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        try (RawServer server = new RawServer(RawServer.stall(over))) {
            RocketClient client =
                    client(server.url())
                            .circuitBreaker(new CircuitBreaker(1, Duration.ofMinutes(1)))
                            .build();
            CompletableFuture<Balance> future = client.users().getBalanceAsync("u");
            server.arrived.await();
            assertTrue(future.cancel(true));
            assertEquals(CircuitBreaker.State.CLOSED, client.circuitBreaker().state());
            assertEquals(1, server.requests.size());
        } finally {
            over.countDown();
        }
    }

    @Test
    @DisplayName("A future fails with the exception that the waiting call throws")
    void failsFutures() {
        RecordingHttpClient http = new RecordingHttpClient().answer(404, Map.of(), "");
        CompletableFuture<Balance> future = client(http).users().getBalanceAsync("u");
        ExecutionException error = assertThrows(ExecutionException.class, future::get);
        assertEquals("NotFoundException", error.getCause().getClass().getSimpleName());
    }

    @Test
    @DisplayName("What is thrown has the caller in its trace")
    void tracesTheCaller() {
        RecordingHttpClient http = new RecordingHttpClient().answer(404, Map.of(), "");
        Exception error =
                assertThrows(RuntimeException.class, () -> client(http).users().getBalance("u"));
        assertTrue(trace(error).contains("RocketClientTest"));
    }

    @Test
    @DisplayName(
            "An answer with other types than the API's is an error, not a future that never ends")
    void refusesOtherTypes() {
        RecordingHttpClient http =
                new RecordingHttpClient().answer(200, Map.of(), "{\"points\":\"many\"}");
        RuntimeException error =
                assertThrows(RuntimeException.class, () -> client(http).users().getBalance("u"));
        assertTrue(error.getMessage().contains("points"), error.getMessage());
    }

    @Test
    @DisplayName("Fields that a newer server adds are passed over, and lists are never null")
    void takesNewerAnswers() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(
                                200,
                                Map.of(),
                                "{\"status\":\"processed\",\"new\":{},\"badges\":null}");
        var result = client(http).events().track(Event.builder().event("a.b").userId("u").build());
        assertEquals("processed", result.status());
        assertEquals(List.of(), result.badges());
        assertEquals(Optional.empty(), result.reason());
    }

    @Test
    @DisplayName("A list fetches the next page when it is gone through, and no sooner")
    void fetchesPages() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(
                                200,
                                Map.of(),
                                "{\"badges\":[{\"badge_id\":\"a\"},{\"badge_id\":\"b\"}],\"next_cursor\":\"MQ==\"}")
                        .answer(200, Map.of(), "{\"badges\":[],\"next_cursor\":\"Mg==\"}")
                        .answer(
                                200,
                                Map.of(),
                                "{\"badges\":[{\"badge_id\":\"c\"}],\"next_cursor\":null}");
        var badges = client(http).badges().list(PageRequest.ofSize(2));
        assertEquals(0, http.sent.size());
        assertEquals(
                List.of("a", "b", "c"),
                badges.stream().map(badge -> badge.badgeId()).collect(Collectors.toList()));
        assertEquals(
                List.of("limit=2", "limit=2&cursor=MQ%3D%3D", "limit=2&cursor=Mg%3D%3D"),
                http.sent.stream()
                        .map(sent -> sent.request.uri().getRawQuery())
                        .collect(Collectors.toList()));
    }

    @Test
    @DisplayName("An event tracked again after an error is the same event")
    void anEventIsOneHappening() {
        RecordingHttpClient http = new RecordingHttpClient().answer(400, Map.of(), "");
        EventsApi events = client(http).events();
        Event event = Event.builder().event("a.b").userId("u").property("p", 1).build();
        assertThrows(RuntimeException.class, () -> events.track(event));
        events.track(event);
        assertEquals(http.sent.get(0).body, http.sent.get(1).body);
        Event.Builder builder = Event.builder().event("a.b").userId("u");
        assertFalse(builder.build().eventId().equals(builder.build().eventId()));
    }

    @Test
    @DisplayName("What can't be written as JSON is refused before anything is sent")
    void refusesWhatIsNoJson() {
        Event.Builder builder =
                Event.builder().event("a.b").userId("u").property("self", new Object());
        assertThrows(ValidationException.class, builder::build);
        RecordingHttpClient http = new RecordingHttpClient();
        Map<String, Object> event = Map.of("event", "a.b", "user_id", "u", "self", new Object());
        assertThrows(ValidationException.class, () -> client(http).events().track(event));
        assertEquals(0, http.sent.size());
    }

    @Test
    @DisplayName("Listeners hear each try and each retry; one that throws changes nothing")
    void tellsListeners() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(429, Map.of("Retry-After", "0"), "")
                        .answer(200, Map.of(), MOVED);
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        RocketClient client =
                client("http://127.0.0.1:1")
                        .httpClient(http)
                        .listener(
                                new RocketListener() {
                                    @Override
                                    public void onAttempt(Attempt attempt) {
                                        heard.add(
                                                attempt.number()
                                                        + " "
                                                        + attempt.method()
                                                        + " "
                                                        + attempt.url()
                                                        + " "
                                                        + attempt.status());
                                        throw new IllegalStateException(
                                                "a mistake of the listener's");
                                    }

                                    @Override
                                    public void onRetry(Attempt attempt, Duration delay) {
                                        heard.add("again");
                                    }
                                })
                        .build();
        client.points().award("u", 5, "r");
        String url = "http://127.0.0.1:1/v1/points/award";
        assertEquals(List.of("1 POST " + url + " 429", "again", "2 POST " + url + " 200"), heard);
    }

    @Test
    @DisplayName("The key is in no exception, no listener's text, and not in the printed client")
    void hidesTheKey() {
        RecordingHttpClient http = new RecordingHttpClient().answer(500, Map.of(), "");
        List<String> said = Collections.synchronizedList(new ArrayList<>());
        RocketClient client =
                client("http://127.0.0.1:1")
                        .httpClient(http)
                        .retryPolicy(RetryPolicy.none())
                        .listener(
                                new RocketListener() {
                                    @Override
                                    public void onAttempt(Attempt attempt) {
                                        said.add(attempt.toString());
                                    }
                                })
                        .build();
        said.add(trace(assertThrows(ServerException.class, () -> client.users().getBalance("u"))));
        said.add(client.toString());
        String bad = "rk_test_secret\n";
        said.add(
                trace(
                        assertThrows(
                                ConfigurationException.class,
                                () -> client("http://127.0.0.1:1").apiKey(bad).build())));
        assertEquals(4, said.size());
        said.forEach(text -> assertFalse(text.contains(KEY), text));
    }

    @Test
    @DisplayName("Many threads may use one client")
    void isSafeForThreads() throws Exception {
        RawServer.Reply[] replies = new RawServer.Reply[200];
        Arrays.fill(replies, RawServer.ok(MOVED));
        ExecutorService threads = Executors.newFixedThreadPool(20);
        try (RawServer server = new RawServer(replies)) {
            PointsApi points = client(server.url()).build().points();
            List<Future<PointsResult>> results = new ArrayList<>();
            for (int i = 0; i < replies.length; i++) {
                results.add(threads.submit(() -> points.award("u", 5, "r")));
            }
            for (Future<PointsResult> result : results) {
                assertEquals(5, result.get().balance());
            }
            assertEquals(
                    replies.length,
                    server.requests.stream()
                            .map(r -> r.replaceAll("(?s).*(?i)idempotency-key: (\\S+).*", "$1"))
                            .distinct()
                            .count());
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("The version that is told to the server is the package's")
    void tellsItsVersion() {
        assertEquals(System.getProperty("rocket.version"), Version.NUMBER);
        RecordingHttpClient http = new RecordingHttpClient();
        client(http).users().getBalance("u");
        String agent = http.sent.get(0).request.headers().firstValue("User-Agent").orElse("");
        assertTrue(agent.startsWith("rocket-learning-sdk-java/" + Version.NUMBER + " "), agent);
    }

    @Test
    @DisplayName("A client without a key takes ROCKET_API_KEY, or isn't made")
    void needsAKey() {
        RocketClient.Builder builder = client("http://127.0.0.1:1").apiKey(null);
        assertThrows(ConfigurationException.class, () -> builder.variables(Map.of()).build());
        RecordingHttpClient http = new RecordingHttpClient();
        builder.variables(Map.of("ROCKET_API_KEY", "rk_test_env"))
                .httpClient(http)
                .build()
                .users()
                .getBalance("u");
        assertEquals(
                "Bearer rk_test_env",
                http.sent.get(0).request.headers().firstValue("Authorization").orElse(""));
    }

    @Test
    @DisplayName(
            "Every exception of the tree is a RocketException with a code or a cause that helps")
    void describesItself() {
        RecordingHttpClient http =
                new RecordingHttpClient()
                        .answer(
                                404,
                                Map.of(),
                                "{\"error\":\"not_found\",\"message\":\"There is no such"
                                        + " learner.\",\"request_id\":\"r-1\"}");
        RuntimeException error =
                assertThrows(RuntimeException.class, () -> client(http).users().getBalance("u"));
        assertTrue(
                error.toString().endsWith("There is no such learner. [404 not_found, request r-1]"),
                error.toString());
        assertInstanceOf(RocketException.class, error);
    }

    private static String trace(Throwable error) {
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
