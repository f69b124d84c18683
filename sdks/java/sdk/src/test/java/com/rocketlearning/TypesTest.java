package com.rocketlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.rocketlearning.model.Badge;
import com.rocketlearning.model.BadgeResult;
import com.rocketlearning.model.Balance;
import com.rocketlearning.model.BatchResult;
import com.rocketlearning.model.EventResult;
import com.rocketlearning.model.Health;
import com.rocketlearning.model.HeldBadge;
import com.rocketlearning.model.Leaderboard;
import com.rocketlearning.model.LedgerEntry;
import com.rocketlearning.model.Limit;
import com.rocketlearning.model.PointsResult;
import com.rocketlearning.model.RankStatus;
import com.rocketlearning.model.Rule;
import com.rocketlearning.model.RuleTemplate;
import com.rocketlearning.model.StoredEvent;
import com.rocketlearning.model.User;
import com.rocketlearning.model.ValidationResult;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Tells the SDK's types, for the comparison with the server's OpenAPI document. */
class TypesTest {
    private static final PageRequest PAGE = PageRequest.ofSize(7).after("cursor");
    private static final Instant MOMENT = Instant.parse("2026-01-31T10:15:00Z");
    private static final Map<String, Told> TOLD = new LinkedHashMap<>();

    /** What a call gives and what it is answered; {@code plural} is the name of a list. */
    private static final class Told {
        final Consumer<RocketClient> call;
        final Class<?> answer;
        final String plural;

        Told(String plural, Class<?> answer, Consumer<RocketClient> call) {
            this.call = call;
            this.answer = answer;
            this.plural = plural;
        }
    }

    private static void one(String name, Class<?> answer, Consumer<RocketClient> call) {
        TOLD.put(name, new Told(null, answer, call));
    }

    private static void list(
            String name, String plural, Class<?> answer, Consumer<RocketClient> call) {
        TOLD.put(name, new Told(plural, answer, call));
    }

    static {
        Event event =
                Event.builder()
                        .event("a.b")
                        .userId("u")
                        .property("p", 1)
                        .metadata("m", 1)
                        .timestamp(MOMENT)
                        .build();
        PointsRequest points =
                PointsRequest.of("u", 1, "r")
                        .withMetadata(Map.of("m", 1))
                        .withIdempotencyKey("key");
        BadgeRequest badge =
                BadgeRequest.of("u", "b").withMetadata(Map.of("m", 1)).withIdempotencyKey("key");
        EventQuery events =
                EventQuery.builder()
                        .userId("u")
                        .event("a.b")
                        .source("s")
                        .status("held")
                        .since(MOMENT)
                        .until(MOMENT)
                        .page(PAGE)
                        .build();
        LeaderboardQuery board =
                LeaderboardQuery.builder()
                        .course("c")
                        .period("week")
                        .at(LocalDate.EPOCH)
                        .around("u")
                        .limit(1)
                        .cursor("c")
                        .build();
        RuleQuery rules =
                RuleQuery.builder().active(true).status("draft").event("a.b").page(PAGE).build();

        one("events.track", EventResult.class, client -> client.events().track(event));
        one(
                "events.track_batch",
                BatchResult.class,
                client -> client.events().trackBatch(List.of(event)));
        one("events.validate", ValidationResult.class, client -> client.events().validate(event));
        one("events.get", StoredEvent.class, client -> client.events().get("event_id:"));
        list(
                "events.list",
                "events",
                StoredEvent.class,
                client -> client.events().list(events).firstPage());
        one("points.award", PointsResult.class, client -> client.points().award(points));
        one("points.deduct", PointsResult.class, client -> client.points().deduct(points));
        one("badges.award", BadgeResult.class, client -> client.badges().award(badge));
        list(
                "badges.list",
                "badges",
                Badge.class,
                client -> client.badges().list(PAGE).firstPage());
        one("badges.get", Badge.class, client -> client.badges().get("badge_id:"));
        one("users.get_balance", Balance.class, client -> client.users().getBalance("user_id:"));
        one("users.get_rank", RankStatus.class, client -> client.users().getRank("user_id:"));
        list(
                "users.get_ledger",
                "entries",
                LedgerEntry.class,
                client -> client.users().getLedger("user_id:", PAGE).firstPage());
        list(
                "users.get_badges",
                "badges",
                HeldBadge.class,
                client -> client.users().getBadges("user_id:", true, PAGE).firstPage());
        list(
                "users.get_limits",
                "limits",
                Limit.class,
                client -> client.users().getLimits("user_id:", PAGE).firstPage());
        list(
                "users.get_events",
                "events",
                StoredEvent.class,
                client -> client.users().getEvents("user_id:", PAGE).firstPage());
        one("users.get", User.class, client -> client.users().get("user_id:"));
        list(
                "users.search",
                "users",
                User.class,
                client -> {
                    client.users().searchByEmail("a@example.org").firstPage();
                    client.users().search("a", PAGE).firstPage();
                });
        one("leaderboard.get", Leaderboard.class, client -> client.leaderboard().get(board));
        list("rules.list", "rules", Rule.class, client -> client.rules().list(rules).firstPage());
        one("rules.get", Rule.class, client -> client.rules().get("rule_id:", 1));
        list(
                "rules.templates",
                "templates",
                RuleTemplate.class,
                client -> client.rules().templates().firstPage());
        one("health", Health.class, RocketClient::health);
    }

    @Test
    @DisplayName("Each call of the cases has a request and an answer whose fields are known")
    void tellsTheTypesOfEveryCall() throws IOException {
        Map<String, Object> report = new LinkedHashMap<>();
        for (Map.Entry<String, Told> one : TOLD.entrySet()) {
            Set<String> answer = new TreeSet<>();
            String plural = one.getValue().plural;
            if (plural != null) {
                answer.addAll(List.of(plural, "next_cursor"));
            }
            addPaths(one.getValue().answer, plural == null ? "" : plural + "[].", answer);
            if (one.getKey().equals("users.get_limits")) {
                answer.add("user_id"); // the caller gave it
            }
            report.put(one.getKey(), Map.of("request", given(one.getValue()), "answer", answer));
        }
        Cases.write("types", report);
        Set<String> calls = new TreeSet<>();
        Cases.file("urls")
                .get("requests")
                .forEach(request -> calls.add(request.get("call").textValue()));
        assertEquals(calls, new TreeSet<>(TOLD.keySet()));
    }

    @Test
    @DisplayName("Each field of an answer can be read")
    void fieldsCanBeRead() throws ReflectiveOperationException {
        for (Told told : TOLD.values()) {
            for (Field field : fields(told.answer)) {
                assertTrue(
                        Modifier.isPublic(told.answer.getMethod(field.getName()).getModifiers()),
                        field.toString());
            }
        }
    }

    /** The names that a request has, in its path, its query, its body and its headers. */
    private static Set<String> given(Told told) throws IOException {
        RecordingHttpClient http = new RecordingHttpClient();
        RocketClient client =
                RocketClient.builder()
                        .apiKey("rk_test_x")
                        .baseUrl("http://127.0.0.1:1")
                        .httpClient(http)
                        .build();
        told.call.accept(client);
        Set<String> names = new TreeSet<>();
        for (RecordingHttpClient.Sent sent : http.sent) {
            for (String part : sent.request.uri().getPath().split("/", -1)) {
                if (part.endsWith(":")) {
                    names.add(part.substring(0, part.length() - 1));
                }
            }
            String query = sent.request.uri().getQuery();
            for (String pair : query == null ? new String[0] : query.split("&", -1)) {
                names.add(pair.substring(0, pair.indexOf('=')));
            }
            JsonNode body = Cases.JSON.readTree(sent.body);
            body.fieldNames().forEachRemaining(names::add);
            sent.request
                    .headers()
                    .firstValue("Idempotency-Key")
                    .ifPresent(key -> names.add("idempotency_key"));
        }
        return names;
    }

    private static void addPaths(Class<?> type, String prefix, Set<String> paths) {
        for (Field field : fields(type)) {
            String path = prefix + name(field);
            paths.add(path);
            Type kind = field.getGenericType();
            if (isModel(field.getType())) {
                addPaths(field.getType(), path + ".", paths);
            } else if (field.getType() == List.class) {
                Class<?> item = (Class<?>) ((ParameterizedType) kind).getActualTypeArguments()[0];
                if (isModel(item)) {
                    addPaths(item, path + "[].", paths);
                }
            }
        }
    }

    private static boolean isModel(Class<?> type) {
        return type.getPackageName().equals("com.rocketlearning.model");
    }

    private static List<Field> fields(Class<?> type) {
        List<Field> fields = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                fields.add(field);
            }
        }
        return fields;
    }

    private static String name(Field field) {
        JsonProperty named = field.getAnnotation(JsonProperty.class);
        return named != null
                ? named.value()
                : field.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
