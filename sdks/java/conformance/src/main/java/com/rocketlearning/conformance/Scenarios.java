package com.rocketlearning.conformance;

import static com.rocketlearning.conformance.Driver.RUN;
import static com.rocketlearning.conformance.Driver.client;

import com.rocketlearning.BadgeRequest;
import com.rocketlearning.BadgesApi;
import com.rocketlearning.Event;
import com.rocketlearning.EventQuery;
import com.rocketlearning.EventSchema;
import com.rocketlearning.EventsApi;
import com.rocketlearning.LeaderboardQuery;
import com.rocketlearning.PageRequest;
import com.rocketlearning.PointsApi;
import com.rocketlearning.PointsRequest;
import com.rocketlearning.RetryPolicy;
import com.rocketlearning.RocketClient;
import com.rocketlearning.conformance.Driver.Scenario;
import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.model.Balance;
import com.rocketlearning.model.BatchItem;
import com.rocketlearning.model.BatchResult;
import com.rocketlearning.model.EventResult;
import com.rocketlearning.model.FieldError;
import com.rocketlearning.model.HeldBadge;
import com.rocketlearning.model.PointsResult;
import com.rocketlearning.model.ValidationResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The scenarios of {@code expected.json}, in its order. */
final class Scenarios {
    private static final String REASON = "Course completion bonus";
    private static final Map<String, String> BAD_EVENT = Map.of("event", "bad", "user_id", "u");

    private Scenarios() {}

    static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        all.put("track", Scenarios::track);
        all.put("track_minimal", Scenarios::trackMinimal);
        all.put("duplicate", Scenarios::duplicate);
        all.put("native_time", Scenarios::nativeTime);
        all.put("track_batch", Scenarios::trackBatch);
        all.put("batch_mixed", Scenarios::batchMixed);
        all.put("validate", Scenarios::validate);
        all.put(
                "validation_error",
                facts ->
                        client().build()
                                .events()
                                .track(course("u").property("progress_pct", 101).build()));
        all.put("own_schema", Scenarios::ownSchema);
        all.put("award", Scenarios::award);
        all.put("award_same_key", Scenarios::awardSameKey);
        all.put("deduct", Scenarios::deduct);
        all.put("balance", Scenarios::balance);
        all.put("odd_id", Scenarios::oddId);
        all.put("badges", Scenarios::badges);
        all.put("reads", Scenarios::reads);
        all.put(
                "unauthorized",
                facts -> client().apiKey("rk_live_wrong").build().users().getBalance("u"));
        all.put("not_found", facts -> client().build().users().getBalance(RUN + "-nobody"));
        all.put("bad_request", Scenarios::badRequest);
        all.put("conflict", Scenarios::conflict);
        all.put("insufficient_points", Scenarios::insufficientPoints);
        all.put("rate_limited", facts -> awardFive("429", facts));
        all.put("rate_limited_for_good", Scenarios::rateLimitedForGood);
        all.put("unavailable", Scenarios::unavailable);
        all.put(
                "unavailable_for_good",
                facts -> client().build().events().track(lesson(RUN + "-503b").build()));
        all.put("proxy_page", facts -> untried().users().getBalance("u"));
        all.put("redirect", facts -> client().build().users().getBalance("u"));
        all.put("timeout", facts -> awardFive("late", facts));
        all.put("timeout_for_good", facts -> untried().users().getBalance("u"));
        all.put("reset_before", facts -> awardFive("reset", facts));
        all.put("reset_after", facts -> awardFive("reset2", facts));
        all.put("reset_after_batch", Scenarios::resetAfterBatch);
        all.put("reset_after_badge", Scenarios::resetAfterBadge);
        all.put("half_an_answer", facts -> awardFive("half", facts));
        all.put(
                "refused",
                facts ->
                        client().baseUrl(System.getenv("ROCKET_REFUSED_URL"))
                                .build()
                                .points()
                                .award("u", 5, REASON));
        all.put("breaker", Scenarios::breaker);
        all.put("buffer", Buffering::batches);
        all.put("buffer_dead_letters", Buffering::deadLetters);
        return all;
    }

    static Event.Builder lesson(String userId) {
        return Event.builder().event("lesson.completed").userId(userId);
    }

    private static Event.Builder course(String userId) {
        return Event.builder().event("course.completed").userId(userId);
    }

    private static RocketClient untried() {
        return client().retryPolicy(RetryPolicy.none()).build();
    }

    private static void track(Map<String, Object> facts) {
        Event event =
                course(RUN + "-track")
                        .eventId(RUN + "-track")
                        .property("course_id", "conformance")
                        .build();
        tell(client().build().events().track(event), facts);
    }

    private static void tell(EventResult result, Map<String, Object> facts) {
        facts.put("status", result.status());
        facts.put("points_awarded", result.pointsAwarded());
    }

    private static void trackMinimal(Map<String, Object> facts) {
        EventResult result = client().build().events().track(lesson(RUN + "-minimal").build());
        facts.put("status", result.status());
        facts.put("has_event_id", result.eventId() != null);
    }

    private static void duplicate(Map<String, Object> facts) {
        EventsApi events = client().build().events();
        Event event = course(RUN + "-duplicate").eventId(RUN + "-duplicate").build();
        EventResult first = events.track(event);
        EventResult second = events.track(event);
        facts.put("statuses", List.of(first.status(), second.status()));
        facts.put("same_event_id", first.eventId().equals(second.eventId()));
    }

    private static void nativeTime(Map<String, Object> facts) {
        EventsApi events = client().build().events();
        Event event =
                lesson(RUN + "-time")
                        .property("completion_time", Instant.parse("2026-01-31T10:15:00Z"))
                        .build();
        facts.put(
                "completion_time",
                events.get(events.track(event).eventId()).properties().get("completion_time"));
    }

    private static void trackBatch(Map<String, Object> facts) {
        List<Event> batch =
                IntStream.range(0, 100)
                        .mapToObj(
                                i ->
                                        lesson(RUN + "-batch-" + i)
                                                .property("lesson_id", "lesson-123")
                                                .build())
                        .toList();
        BatchResult result = client().build().events().trackBatch(batch);
        facts.put("processed", result.processed());
        facts.put("duplicates", result.duplicates());
        facts.put("failed", result.failed());
    }

    private static void batchMixed(Map<String, Object> facts) {
        List<Object> batch = new ArrayList<>();
        for (String id : List.of("-m1", "-m2", "-m1")) {
            batch.add(lesson(RUN + "-mixed").eventId(RUN + id).build());
        }
        batch.add(Map.of("event", "bad", "user_id", RUN + "-mixed"));
        BatchResult result = client().validateEvents(false).build().events().trackBatch(batch);
        facts.put("processed", result.processed());
        facts.put("duplicates", result.duplicates());
        facts.put("failed", result.failed());
        facts.put("statuses", result.results().stream().map(BatchItem::status).toList());
    }

    private static void validate(Map<String, Object> facts) {
        EventsApi events = client().build().events();
        ValidationResult good = events.validate(course("u").build());
        ValidationResult bad = events.validate(BAD_EVENT);
        facts.put("valid", List.of(good.valid(), bad.valid()));
        facts.put("paths", bad.errors().stream().map(FieldError::path).sorted().toList());
    }

    private static void ownSchema(Map<String, Object> facts) {
        RocketClient client = client().build();
        client.setEventSchema(
                EventSchema.of(
                        Map.of(
                                "properties",
                                Map.of("course_id", Map.of("type", "string", "required", true)))));
        client.events().track(course("u").build());
    }

    private static void award(Map<String, Object> facts) {
        PointsResult result = client().build().points().award(RUN + "-award", 50, REASON);
        facts.put("points", result.points());
        facts.put("balance", result.balance());
    }

    private static void awardFive(String learner, Map<String, Object> facts) {
        facts.put(
                "balance",
                client().build().points().award(RUN + "-" + learner, 5, REASON).balance());
    }

    private static void awardSameKey(Map<String, Object> facts) {
        PointsApi points = client().build().points();
        PointsRequest request =
                PointsRequest.of(RUN + "-key", 50, REASON).withIdempotencyKey(RUN + "-key");
        PointsResult first = points.award(request);
        PointsResult second = points.award(request);
        facts.put("balance", second.balance());
        facts.put("same_entry", first.entryId().equals(second.entryId()));
    }

    private static void deduct(Map<String, Object> facts) {
        PointsApi points = client().build().points();
        points.award(RUN + "-deduct", 50, REASON);
        facts.put("balance", points.deduct(RUN + "-deduct", 20, "Sticker").balance());
    }

    private static void balance(Map<String, Object> facts) {
        RocketClient client = client().build();
        client.points().award(RUN + "-balance", 7, REASON);
        Balance balance = client.users().getBalance(RUN + "-balance");
        facts.put("user_id", balance.userId().substring(RUN.length() + 1));
        facts.put("points", balance.points());
        facts.put("earned", balance.earned());
        facts.put("spent", balance.spent());
    }

    private static void oddId(Map<String, Object> facts) {
        RocketClient client = client().build();
        String learner = RUN + ": é🚀 50%?#+";
        client.points().award(learner, 3, REASON);
        facts.put("points", client.users().getBalance(learner).points());
    }

    private static void badges(Map<String, Object> facts) {
        RocketClient client = client().build();
        BadgesApi badges = client.badges();
        String learner = RUN + "-badges";
        BadgeRequest request =
                BadgeRequest.of(learner, "quiz_master").withMetadata(Map.of("quiz_score", 85));
        List<String> statuses =
                Stream.generate(() -> badges.award(request).status()).limit(2).toList();
        facts.put("statuses", statuses);
        facts.put(
                "badges",
                client.users().getBadges(learner).stream().map(HeldBadge::badgeId).toList());
    }

    private static void reads(Map<String, Object> facts) {
        RocketClient client = client().build();
        String learner = RUN + "-reads";
        client.points().award(learner, 1, REASON);
        Stream<Object> answers =
                Stream.of(
                        client.events()
                                .list(EventQuery.builder().page(PageRequest.ofSize(1)).build())
                                .firstPage(),
                        client.users().get(learner),
                        client.users().getRank(learner),
                        client.users().getLedger(learner).firstPage(),
                        client.users().getBadges(learner).firstPage(),
                        client.users().getLimits(learner).firstPage(),
                        client.users().getEvents(learner).firstPage(),
                        client.users().searchByEmail("nobody@example.org").firstPage(),
                        client.badges().list().firstPage(),
                        client.badges().get("quiz_master"),
                        client.leaderboard().get(LeaderboardQuery.builder().limit(1).build()),
                        client.rules().list().firstPage(),
                        client.rules().get("course_completed"),
                        client.rules().templates().firstPage(),
                        client.health());
        facts.put("answers", answers.filter(Objects::nonNull).count());
    }

    private static void badRequest(Map<String, Object> facts) {
        try {
            client().validateEvents(false).build().events().track(BAD_EVENT);
        } catch (ApiException e) {
            List<?> errors = (List<?>) e.details().get("errors");
            facts.put(
                    "paths",
                    errors.stream()
                            .map(error -> ((Map<?, ?>) error).get("path"))
                            .sorted()
                            .toList());
            throw e;
        }
    }

    private static void conflict(Map<String, Object> facts) {
        PointsApi points = client().build().points();
        String learner = RUN + "-conflict";
        points.award(PointsRequest.of(learner, 1, REASON).withIdempotencyKey(learner));
        points.award(PointsRequest.of(learner, 2, REASON).withIdempotencyKey(learner));
    }

    private static void insufficientPoints(Map<String, Object> facts) {
        PointsApi points = client().build().points();
        points.award(RUN + "-poor", 5, REASON);
        try {
            points.deduct(RUN + "-poor", 6, REASON);
        } catch (ApiException e) {
            facts.put("balance", e.details().get("balance"));
            throw e;
        }
    }

    private static void rateLimitedForGood(Map<String, Object> facts) {
        try {
            awardFive("429b", facts);
        } catch (ApiException e) {
            facts.put("retry_after", e.retryAfter().map(Duration::toSeconds).orElse(null));
            throw e;
        }
    }

    private static void unavailable(Map<String, Object> facts) {
        Event event = course(RUN + "-503").property("course_id", "conformance").build();
        tell(client().build().events().track(event), facts);
    }

    private static void resetAfterBatch(Map<String, Object> facts) {
        List<Event> batch =
                IntStream.range(0, 10).mapToObj(i -> lesson(RUN + "-reset3-" + i).build()).toList();
        BatchResult result = client().build().events().trackBatch(batch);
        facts.put("processed", result.processed());
        facts.put("duplicates", result.duplicates());
    }

    private static void resetAfterBadge(Map<String, Object> facts) {
        RocketClient client = client().build();
        facts.put("status", client.badges().award(RUN + "-sticker", "sticker").status());
        facts.put("badges", client.users().getBadges(RUN + "-sticker").firstPage().items().size());
    }

    private static void breaker(Map<String, Object> facts) {
        RocketClient client = untried();
        List<String> outcomes = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            try {
                client.events().track(lesson(RUN + "-breaker").build());
                outcomes.add("ok");
            } catch (RocketException e) {
                outcomes.add(Driver.name(e));
            }
        }
        facts.put("outcomes", outcomes);
    }
}
