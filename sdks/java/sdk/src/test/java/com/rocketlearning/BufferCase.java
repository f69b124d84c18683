package com.rocketlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.NetworkException;
import com.rocketlearning.exception.RequestTimeoutException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.model.BatchResult;
import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** One buffer on a scripted clock, with a scripted server. */
final class BufferCase {
    private final JsonNode one;
    private final Deque<JsonNode> answers = new ArrayDeque<>();
    private final List<List<String>> sent = new ArrayList<>();
    private final List<List<String>> dead = new ArrayList<>();
    private final EventBuffer buffer;
    private long now;
    private int added;

    BufferCase(JsonNode one, JsonNode defaults) {
        this.one = one;
        one.get("answers").forEach(answers::add);
        ObjectNode options = defaults.deepCopy();
        options.setAll((ObjectNode) one.get("options"));
        EventForm form = new EventForm(Clock.systemUTC(), () -> "no id is made here", true, null);
        buffer =
                new EventBuffer.Builder(null)
                        .maxSize(options.get("max_size").intValue())
                        .flushInterval(
                                Duration.ofMillis(
                                        (long)
                                                (options.get("flush_interval_s").doubleValue()
                                                        * 1000)))
                        .capacity(options.get("capacity").intValue())
                        .overflow(
                                "raise".equals(options.get("overflow").textValue())
                                        ? EventBuffer.Overflow.RAISE
                                        : EventBuffer.Overflow.DEAD_LETTER)
                        .deadLetters(
                                letter ->
                                        dead.add(
                                                List.of(
                                                        id(letter.event()),
                                                        letter.reason().toString())))
                        .build(form, this::answer, () -> now, closed -> {});
    }

    void play() {
        for (JsonNode step : one.get("steps")) {
            now = (long) (step.get("at_s").doubleValue() * 1e9);
            sent.clear();
            dead.clear();
            take(step);
            assertEquals(Cases.value(step.get("sent")), sent, step.toString());
            assertEquals(Cases.value(step.get("dead")), dead, step.toString());
            assertEquals(step.get("waiting").intValue(), buffer.waiting(), step.toString());
        }
    }

    private void take(JsonNode step) {
        switch (step.get("do").textValue()) {
            case "add":
                if (step.has("error")) {
                    RocketException error = assertThrows(RocketException.class, () -> add(step));
                    assertEquals(step.get("error").textValue(), Cases.name(error));
                } else {
                    add(step);
                }
                buffer.sendDue();
                break;
            case "tick":
                buffer.sendDue();
                break;
            case "flush":
                buffer.flush();
                break;
            default:
                buffer.close();
        }
    }

    private void add(JsonNode step) {
        for (int i = 0; i < step.get("events").intValue(); i++) {
            added++;
            buffer.add(
                    Event.builder()
                            .event("lesson.completed")
                            .userId("u")
                            .eventId("e" + added)
                            .build());
        }
    }

    private BatchResult answer(List<Map<String, Object>> batch) {
        List<String> ids = new ArrayList<>();
        batch.forEach(event -> ids.add(id(event)));
        sent.add(ids);
        JsonNode answer = answers.remove();
        if ("outage".equals(answer.textValue())) {
            throw error("NetworkError");
        }
        if ("too_large".equals(answer.textValue())) {
            throw Answers.exception(413, HttpHeaders.of(Map.of(), (n, v) -> true), null);
        }
        if ("too_large".equals(answer.textValue())) {
            throw refused(413);
        }
        if ("refused".equals(answer.textValue())) {
            throw refused(400);
        }
        ArrayNode results = Cases.JSON.createArrayNode();
        answer.path("failed")
                .forEach(
                        index ->
                                results.addObject()
                                        .put("index", index.intValue())
                                        .put("status", "failed")
                                        .put("error", "event: is bad"));
        ObjectNode body = Cases.JSON.createObjectNode();
        body.set("results", results);
        return Json.read(body, BatchResult.class);
    }

    private static RocketException refused(int status) {
        return Answers.exception(status, HttpHeaders.of(Map.of(), (n, v) -> true), null);
    }

    private static String id(Map<String, Object> event) {
        return (String) event.get("event_id");
    }

    /** An error by its name in the cases. */
    static RocketException error(String name) {
        switch (name) {
            case "NetworkError":
                return new NetworkException("reset", null);
            case "RequestTimeoutError":
                return new RequestTimeoutException("late", null);
            case "CircuitOpenError":
                return new CircuitOpenException(Duration.ZERO);
            default:
                Map<String, Integer> statuses =
                        Map.of(
                                "ServerError", 503,
                                "RateLimitError", 429,
                                "InvalidRequestError", 400,
                                "AuthenticationError", 401,
                                "ForbiddenError", 403,
                                "NotFoundError", 404,
                                "ConflictError", 409);
                RocketException error = refused(statuses.get(name));
                assertEquals(name, Cases.name(error));
                return error;
        }
    }
}
