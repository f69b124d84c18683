package com.rocketlearning;

import java.util.List;
import java.util.Map;

/** Calls by the names that the shared cases have for them. */
final class NamedCalls {
    private NamedCalls() {}

    static void make(RocketClient client, String call, Map<String, Object> arguments) {
        String user = (String) arguments.get("user_id");
        switch (call) {
            case "events.track":
                client.events().track(arguments);
                break;
            case "events.track_batch":
                client.events().trackBatch((List<?>) arguments.get("events"));
                break;
            case "events.validate":
                client.events().validate(arguments);
                break;
            case "events.get":
                client.events().get((String) arguments.get("event_id"));
                break;
            case "events.list":
                client.events().list(query(arguments)).firstPage();
                break;
            case "points.award":
                client.points().award(points(arguments));
                break;
            case "points.deduct":
                client.points().deduct(points(arguments));
                break;
            case "badges.award":
                client.badges().award(user, (String) arguments.get("badge_id"));
                break;
            case "badges.list":
                client.badges().list(page(arguments)).firstPage();
                break;
            case "badges.get":
                client.badges().get((String) arguments.get("badge_id"));
                break;
            case "users.get_balance":
                client.users().getBalance(user);
                break;
            case "users.get_rank":
                client.users().getRank(user);
                break;
            case "users.get_ledger":
                client.users().getLedger(user, page(arguments)).firstPage();
                break;
            case "users.get_badges":
                boolean revoked = Boolean.TRUE.equals(arguments.get("include_revoked"));
                client.users().getBadges(user, revoked, page(arguments)).firstPage();
                break;
            case "users.get_limits":
                client.users().getLimits(user, page(arguments)).firstPage();
                break;
            case "users.get_events":
                client.users().getEvents(user, page(arguments)).firstPage();
                break;
            case "users.get":
                client.users().get(user);
                break;
            case "users.search":
                client.users().searchByEmail((String) arguments.get("email")).firstPage();
                break;
            case "leaderboard.get":
                client.leaderboard().get(leaderboard(arguments));
                break;
            case "rules.list":
                client.rules().list(RuleQuery.builder().page(page(arguments)).build()).firstPage();
                break;
            case "rules.get":
                client.rules().get((String) arguments.get("rule_id"));
                break;
            case "rules.templates":
                client.rules().templates().firstPage();
                break;
            case "health":
                client.health();
                break;
            default:
                throw new AssertionError("a call without a name: " + call);
        }
    }

    private static PointsRequest points(Map<String, Object> arguments) {
        return PointsRequest.of(
                (String) arguments.get("user_id"),
                (Integer) arguments.get("points"),
                (String) arguments.get("reason"));
    }

    private static EventQuery query(Map<String, Object> arguments) {
        return EventQuery.builder()
                .userId((String) arguments.get("user_id"))
                .event((String) arguments.get("event"))
                .source((String) arguments.get("source"))
                .status((String) arguments.get("status"))
                .since((String) arguments.get("since"))
                .until((String) arguments.get("until"))
                .page(page(arguments))
                .build();
    }

    private static LeaderboardQuery leaderboard(Map<String, Object> arguments) {
        return LeaderboardQuery.builder()
                .course((String) arguments.get("course"))
                .period((String) arguments.get("period"))
                .around((String) arguments.get("around"))
                .limit((Integer) arguments.get("limit"))
                .build();
    }

    private static PageRequest page(Map<String, Object> arguments) {
        PageRequest page =
                arguments.containsKey("limit")
                        ? PageRequest.ofSize((Integer) arguments.get("limit"))
                        : PageRequest.first();
        return arguments.containsKey("cursor")
                ? page.after((String) arguments.get("cursor"))
                : page;
    }
}
