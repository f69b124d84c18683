package com.rocketlearning;

import static com.rocketlearning.Cases.assertSameJson;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.NetworkException;
import com.rocketlearning.exception.RequestTimeoutException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.webhook.SignatureCase;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every case that the SDKs share, and the report of those that pass. */
class SharedCasesTest {
    private static final String KEY = "rk_test_0123456789";

    @AfterAll
    static void writeReport() throws IOException {
        Cases.writeReport();
    }

    private static RocketClient client(RecordingHttpClient http, JsonNode file) {
        return builder(http, file).build();
    }

    private static RocketClient.Builder builder(RecordingHttpClient http, JsonNode file) {
        Iterator<JsonNode> ids =
                file.has("ids") ? file.get("ids").iterator() : Collections.emptyIterator();
        RocketClient.Builder builder =
                RocketClient.builder()
                        .apiKey(KEY)
                        .baseUrl("http://127.0.0.1:8000")
                        .variables(Map.of())
                        .httpClient(http)
                        .retryPolicy(RetryPolicy.none())
                        .ids(() -> ids.hasNext() ? ids.next().textValue() : "another-id");
        return file.has("clock")
                ? builder.clock(
                        Clock.fixed(Instant.parse(file.get("clock").textValue()), ZoneOffset.UTC))
                : builder;
    }

    @TestFactory
    Stream<DynamicTest> eventsAreSentInOneForm() {
        JsonNode file = Cases.file("events");
        return Cases.each(
                "events",
                "normalise",
                one -> {
                    RecordingHttpClient http = new RecordingHttpClient();
                    Map<String, Object> given = Cases.map(one.get("given"));
                    client(http, file).events().track(given);
                    assertSameJson(one.get("wire"), Cases.JSON.readTree(http.sent.get(0).body));
                    assertEquals(
                            Cases.map(one.get("given")),
                            given,
                            "the caller's object is left as it is");
                });
    }

    @TestFactory
    Stream<DynamicTest> eventsAreCheckedBeforeTheyAreSent() {
        return Cases.each(
                "events",
                "validate",
                one -> {
                    RecordingHttpClient http = new RecordingHttpClient();
                    EventsApi events = client(http, Cases.file("events")).events();
                    Map<String, Object> event = Cases.map(one.get("event"));
                    Set<String> expected = Cases.texts(one.get("errors"));
                    assertEquals(expected, Cases.paths(() -> events.track(event)));
                    assertEquals(expected.isEmpty() ? 1 : 0, http.sent.size());
                });
    }

    @TestFactory
    Stream<DynamicTest> aBatchIsCheckedAsAWhole() {
        return Cases.each(
                "events",
                "batch",
                one -> {
                    RecordingHttpClient http = new RecordingHttpClient();
                    List<?> events =
                            one.has("events")
                                    ? (List<?>) Cases.value(one.get("events"))
                                    : Collections.nCopies(
                                            one.get("times").intValue(),
                                            Cases.value(one.get("event")));
                    EventsApi api = client(http, Cases.file("events")).events();
                    Set<String> expected = Cases.texts(one.get("errors"));
                    assertEquals(expected, Cases.paths(() -> api.trackBatch(events)));
                    assertEquals(expected.isEmpty() ? 1 : 0, http.sent.size());
                });
    }

    @TestFactory
    Stream<DynamicTest> pointsAreMovedByOneRequest() {
        JsonNode file = Cases.file("awards");
        return Cases.each(
                "awards",
                "points",
                one -> {
                    for (String path : List.of("/v1/points/award", "/v1/points/deduct")) {
                        RecordingHttpClient http = new RecordingHttpClient();
                        PointsApi points = client(http, file).points();
                        String key = one.has("key") ? one.get("key").textValue() : null;
                        Map<String, Object> given = Cases.map(one.get("given"));
                        Set<String> paths =
                                Cases.paths(() -> Transport.await(points.move(path, given, key)));
                        assertEquals(Cases.texts(one.get("errors")), paths);
                        if (one.has("wire")) {
                            assertSent(one, http.sent.get(0));
                        }
                    }
                });
    }

    private static void assertSent(JsonNode one, RecordingHttpClient.Sent sent) throws IOException {
        assertSameJson(one.get("wire"), Cases.JSON.readTree(sent.body));
        assertEquals(
                one.get("idempotency_key").textValue(),
                sent.request.headers().firstValue("Idempotency-Key").orElse(null));
    }

    @TestFactory
    Stream<DynamicTest> badgesAreGivenByOneRequest() {
        JsonNode file = Cases.file("awards");
        return Cases.each(
                "awards",
                "badges",
                one -> {
                    RecordingHttpClient http = new RecordingHttpClient();
                    BadgesApi badges = client(http, file).badges();
                    Map<String, Object> given = Cases.map(one.get("given"));
                    String key = one.has("key") ? one.get("key").textValue() : null;
                    Set<String> paths = Cases.paths(() -> Transport.await(badges.give(given, key)));
                    assertEquals(Cases.texts(one.get("errors")), paths);
                    if (one.has("wire")) {
                        assertSent(one, http.sent.get(0));
                    }
                });
    }

    @TestFactory
    Stream<DynamicTest> aSchemaOfTheCallersOwnIsCheckedToo() {
        return Cases.each(
                "schema",
                "cases",
                one -> {
                    RocketClient client = client(new RecordingHttpClient(), Cases.file("events"));
                    client.setEventSchema(EventSchema.of(Cases.map(one.get("schema"))));
                    Map<String, Object> event = Cases.map(one.get("event"));
                    assertEquals(
                            Cases.texts(one.get("errors")),
                            Cases.paths(() -> client.events().track(event)));
                });
    }

    @TestFactory
    Stream<DynamicTest> aSchemaThatCantBeIsRefused() {
        return Cases.each(
                "schema",
                "refused",
                one -> {
                    Map<String, Object> schema = Cases.map(one.get("schema"));
                    ConfigurationException refused =
                            assertThrows(
                                    ConfigurationException.class, () -> EventSchema.of(schema));
                    assertTrue(
                            refused.getMessage().contains(one.get("path").textValue()),
                            refused.getMessage());
                });
    }

    @TestFactory
    Stream<DynamicTest> retriesAreDecidedByPolicy() {
        JsonNode defaults = Cases.file("retry").get("defaults");
        return Cases.each(
                "retry",
                "cases",
                one -> {
                    ObjectNode policy = defaults.deepCopy();
                    policy.setAll((ObjectNode) one.get("policy"));
                    Duration delay =
                            policy(policy)
                                    .delay(
                                            one.get("retry").intValue(),
                                            outcome(one.get("outcome")),
                                            one.get("random").doubleValue())
                                    .orElse(null);
                    if (one.get("delay_ms").isNull()) {
                        assertEquals(null, delay);
                    } else {
                        assertEquals(one.get("delay_ms").doubleValue(), delay.toNanos() / 1e6, 1);
                    }
                });
    }

    private static RetryPolicy policy(JsonNode numbers) {
        return RetryPolicy.builder()
                .enabled(numbers.get("enabled").booleanValue())
                .maxRetries(numbers.get("max_retries").intValue())
                .baseDelay(Duration.ofMillis(numbers.get("base_delay_ms").longValue()))
                .multiplier(numbers.get("multiplier").doubleValue())
                .maxDelay(Duration.ofMillis(numbers.get("max_delay_ms").longValue()))
                .jitter(numbers.get("jitter").doubleValue())
                .maxRetryAfter(Duration.ofMillis(numbers.get("max_retry_after_ms").longValue()))
                .build();
    }

    /** The error of a try that ended like this, null after a success. */
    private static RocketException outcome(JsonNode outcome) {
        switch (outcome.get("kind").textValue()) {
            case "network":
                return new NetworkException("", null);
            case "timeout":
                return new RequestTimeoutException("", null);
            default:
                int status = outcome.get("status").intValue();
                Map<String, List<String>> headers =
                        outcome.has("retry_after_s")
                                ? Map.of(
                                        "Retry-After",
                                        List.of(outcome.get("retry_after_s").asText()))
                                : Map.of();
                return status / 100 == 2
                        ? null
                        : Answers.exception(
                                status, HttpHeaders.of(headers, (name, value) -> true), null);
        }
    }

    @TestFactory
    Stream<DynamicTest> theBreakerCountsWhatTheServerFailedAt() {
        return Cases.each(
                "breaker",
                "failures",
                one ->
                        assertEquals(
                                one.get("failure").booleanValue(),
                                Outcome.failed(outcome(one.get("outcome")))));
    }

    @TestFactory
    Stream<DynamicTest> theBreakerGoesFromStateToState() {
        JsonNode defaults = Cases.file("breaker").get("defaults");
        return Cases.each(
                "breaker",
                "cases",
                one -> {
                    long[] now = {0};
                    int threshold =
                            (one.has("threshold") ? one : defaults).get("threshold").intValue();
                    long reset = (one.has("reset_s") ? one : defaults).get("reset_s").longValue();
                    CircuitBreaker breaker =
                            new CircuitBreaker(threshold, Duration.ofSeconds(reset), () -> now[0]);
                    for (JsonNode step : one.get("steps")) {
                        now[0] = (long) (step.get("at_s").doubleValue() * 1e9);
                        take(step, breaker);
                        String state = breaker.state().name().toLowerCase(Locale.ROOT);
                        assertEquals(step.get("state").textValue(), state, step.toString());
                    }
                });
    }

    private static void take(JsonNode step, CircuitBreaker breaker) {
        switch (step.get("do").textValue()) {
            case "ask":
                assertEquals(
                        step.get("allowed").booleanValue(), breaker.tryAcquire(), step.toString());
                break;
            case "success":
                breaker.success();
                break;
            case "failure":
                breaker.failure();
                break;
            default:
                breaker.cancel();
        }
    }

    @TestFactory
    Stream<DynamicTest> answersBecomeExceptions() {
        return Cases.each(
                "errors",
                "cases",
                one -> {
                    Map<String, String> headers = new TreeMap<>();
                    one.get("headers")
                            .properties()
                            .forEach(h -> headers.put(h.getKey(), h.getValue().textValue()));
                    RecordingHttpClient http =
                            new RecordingHttpClient()
                                    .answer(
                                            one.get("status").intValue(),
                                            headers,
                                            one.get("body").textValue());
                    RocketClient client = client(http, one);
                    ApiException error =
                            assertThrows(ApiException.class, () -> client.users().getBalance("u"));
                    assertEquals(one.get("error").textValue(), Cases.name(error));
                    assertEquals(one.get("status").intValue(), error.status());
                    assertEquals(one.get("code").textValue(), error.code().orElse(null));
                    assertEquals(one.get("message").textValue(), error.getMessage());
                    assertEquals(one.get("request_id").textValue(), error.requestId().orElse(null));
                    assertSameJson(one.get("details"), Cases.JSON.valueToTree(error.details()));
                    Duration after = error.retryAfter().orElse(null);
                    assertEquals(
                            one.get("retry_after_s").isNull()
                                    ? null
                                    : Duration.ofSeconds(one.get("retry_after_s").longValue()),
                            after);
                });
    }

    @TestFactory
    Stream<DynamicTest> theBaseUrlIsTheFirstThatIsGiven() {
        return Cases.each(
                "urls",
                "base_url",
                one -> {
                    Map<String, String> variables =
                            one.get("env").isNull()
                                    ? Map.of()
                                    : Map.of("ROCKET_BASE_URL", one.get("env").textValue());
                    RocketClient.Builder builder =
                            RocketClient.builder()
                                    .apiKey(KEY)
                                    .baseUrl(one.get("argument").textValue())
                                    .variables(variables);
                    if (one.has("refused")) {
                        assertThrows(
                                ConfigurationException.class,
                                () ->
                                        builder.environment(environment(one.get("environment")))
                                                .build());
                    } else {
                        RocketClient client =
                                builder.environment(environment(one.get("environment"))).build();
                        assertEquals(one.get("base_url").textValue(), client.baseUrl());
                    }
                });
    }

    private static Environment environment(JsonNode name) {
        return name.isNull() ? null : Environment.of(name.textValue());
    }

    @TestFactory
    Stream<DynamicTest> eachCallHasItsAddress() {
        return Cases.each(
                "urls",
                "requests",
                one -> {
                    RecordingHttpClient http = new RecordingHttpClient();
                    RocketClient client =
                            builder(http, one).baseUrl(one.get("base_url").textValue()).build();
                    Map<String, Object> arguments = Cases.map(one.get("arguments"));
                    Set<String> paths =
                            Cases.paths(
                                    () ->
                                            NamedCalls.make(
                                                    client,
                                                    one.get("call").textValue(),
                                                    arguments));
                    assertEquals(Cases.texts(one.get("errors")), paths);
                    if (one.has("url")) {
                        HttpRequest request = http.sent.get(0).request;
                        assertEquals(one.get("method").textValue(), request.method());
                        String url = request.uri().toString();
                        int mark = url.indexOf('?');
                        assertEquals(
                                one.get("url").textValue(),
                                mark < 0 ? url : url.substring(0, mark));
                        assertEquals(Cases.map(one.get("query")), query(request.uri()));
                    } else {
                        assertTrue(http.sent.isEmpty());
                    }
                });
    }

    private static Map<String, String> query(URI uri) {
        Map<String, String> query = new TreeMap<>();
        if (uri.getRawQuery() != null) {
            for (String pair : uri.getRawQuery().split("&", -1)) {
                int equals = pair.indexOf('=');
                query.put(
                        pair.substring(0, equals),
                        URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return query;
    }

    @TestFactory
    Stream<DynamicTest> theBufferKeepsWhatItCantSend() {
        JsonNode defaults = Cases.file("buffer").get("defaults");
        return Cases.each("buffer", "cases", one -> new BufferCase(one, defaults).play());
    }

    @TestFactory
    Stream<DynamicTest> anOutageIsWhatMayPass() {
        return Cases.each(
                "buffer",
                "outages",
                one ->
                        assertEquals(
                                one.get("outage").booleanValue(),
                                EventBuffer.isOutage(
                                        BufferCase.error(one.get("name").textValue()))));
    }

    @TestFactory
    Stream<DynamicTest> webhooksAreVerifiedByXSignature() {
        return Cases.each("signatures", "x_signature", SignatureCase::xSignature);
    }

    @TestFactory
    Stream<DynamicTest> webhooksAreVerifiedByStandardWebhooks() {
        return Cases.each("signatures", "standard", SignatureCase::standard);
    }

    @TestFactory
    Stream<DynamicTest> aBadSecretMakesNoVerifier() {
        return Cases.each("signatures", "bad_secrets", SignatureCase::badSecret);
    }

    @TestFactory
    Stream<DynamicTest> testEventsLookLikeRealOnes() {
        return Cases.each(
                "generator",
                "cases",
                one -> {
                    List<Event> events =
                            RocketEventTester.generateTestEvents(
                                    one.get("user_id").textValue(), one.get("count").intValue());
                    List<JsonNode> compared = new ArrayList<>();
                    for (Event event : events) {
                        ObjectNode fields = Cases.JSON.valueToTree(event.fields());
                        assertTrue(
                                Instant.parse(fields.remove("timestamp").textValue())
                                        .isBefore(Instant.now().plusSeconds(1)));
                        int progress =
                                ((ObjectNode) fields.get("properties"))
                                        .remove("progress_pct")
                                        .intValue();
                        assertTrue(progress >= 0 && progress <= 99);
                        fields.remove("event_id"); // an Event has one from the beginning
                        compared.add(fields);
                    }
                    assertEquals(
                            StreamSupport.stream(one.get("events").spliterator(), false)
                                    .collect(Collectors.toList()),
                            compared);
                });
    }

    @TestFactory
    Stream<DynamicTest> tenTestEventsByDefault() {
        int expected = Cases.file("generator").get("default_count").intValue();
        return Stream.of(
                DynamicTest.dynamicTest(
                        "default_count",
                        () ->
                                assertEquals(
                                        expected,
                                        RocketEventTester.generateTestEvents("u").size())));
    }
}
