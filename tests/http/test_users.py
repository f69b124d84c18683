"""Learners: balance, rank and streak, history, badges, caps in use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from rocket_server.rules.parse import parse_rule


def monday(weeks_ago: int) -> datetime:
    """Noon of the Monday so many weeks ago, never in the future."""
    now = datetime.now(UTC)
    start = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(weeks=weeks_ago)


def meet_goal(organisation, weeks):
    """Earn a course's 50 points, the weekly goal, in each of these weeks."""
    for week in weeks:
        organisation.api.event(
            "course.completed", timestamp=monday(week).isoformat(), properties={"course_id": str(week)}
        )


@pytest.mark.parametrize(
    ("weeks", "streak", "rank"),
    [
        ([], 0, "Explorer"),
        ([0], 1, "Explorer"),
        ([1, 2, 3], 3, "Explorer"),
        ([0, 1, 2, 3], 4, "Pilot"),
        ([1, 2, 3, 4, 5, 6], 6, "Pilot"),
        ([1, 2, 3, 4, 5, 6, 7], 7, "Commander"),
        ([2, 3, 4, 5, 6, 7, 8], 0, "Explorer"),
        ([0, 1, 3, 4, 5, 6, 7, 8, 9], 2, "Explorer"),
    ],
)
def test_rank_and_streak(organisation, weeks, streak, rank):
    """Consecutive weeks in which the goal was met; this week breaks nothing before it has ended."""
    organisation.api.post("/v1/points/award", {"user_id": "anna", "points": 1, "reason": "x"})
    meet_goal(organisation, weeks)
    balance = organisation.api.get("/v1/users/anna/balance").json()
    assert balance == {
        "user_id": "anna",
        "points": 1 + 50 * len(weeks),
        "earned": 1 + 50 * len(weeks),
        "spent": 0,
        "rank": rank,
        "streak_weeks": streak,
    }


def test_the_weekly_goal_is_the_organisations(organisation):
    """A higher goal is no longer met by fifty points."""
    meet_goal(organisation, [0, 1])
    organisation.api.patch("/v1/organisation", {"weekly_goal": 51})
    assert organisation.api.get("/v1/users/anna/balance").json()["streak_weeks"] == 0


def test_a_learner_may_have_a_goal_of_his_own(organisation):
    """One's own weekly goal counts before the organisation's; without one, the organisation's."""
    meet_goal(organisation, [1, 2])
    organisation.api.patch("/v1/users/anna", {"weekly_goal": 51})
    shown = organisation.api.get("/v1/users/anna/rank").json()
    assert (shown["streak_weeks"], shown["weekly_goal"]) == (0, 51)
    organisation.api.patch("/v1/users/anna", {"weekly_goal": None})
    assert organisation.api.get("/v1/users/anna/rank").json()["streak_weeks"] == 2


def test_a_late_event_joins_two_streaks_and_a_reversal_parts_them(organisation):
    """Rank and streak follow what is known now; a reversal takes from the week it was in."""
    meet_goal(organisation, [1, 2, 4, 5])
    assert organisation.api.get("/v1/users/anna/balance").json()["streak_weeks"] == 2
    meet_goal(organisation, [3])
    assert organisation.api.get("/v1/users/anna/balance").json()["streak_weeks"] == 5
    entry = next(
        entry
        for entry in organisation.api.get("/v1/users/anna/ledger").json()["entries"]
        if entry["occurred_at"] == monday(4).isoformat().replace("+00:00", "Z")
    )
    body = {"entry_id": entry["entry_id"], "reason": "a mistake"}
    assert organisation.api.post("/v1/points/reverse", body).status_code == 200
    assert organisation.api.get("/v1/users/anna/balance").json()["streak_weeks"] == 3


def test_ranks_are_the_organisations(organisation):
    """Names, weeks, multipliers, discounts and grace are settings, and count at once."""
    ranks = [
        {"name": "Master", "weeks": 2, "multiplier": 1.5, "discount_pct": 10},
        {"name": "Novice", "weeks": 0},
    ]
    changed = organisation.api.patch("/v1/organisation", {"ranks": ranks, "grace_weeks": 1})
    assert changed.status_code == 200, changed.text
    assert changed.json()["ranks"][1] == ranks[0]
    meet_goal(organisation, [1, 3])
    assert organisation.api.get("/v1/users/anna/rank").json() == {
        "user_id": "anna",
        "rank": "Master",
        "multiplier": 1.5,
        "discount_pct": 10,
        "streak_weeks": 2,
        "grace_weeks": 1,
        "weekly_goal": 50,
        "points_this_week": 0,
        "next_rank": None,
    }
    organisation.api.patch("/v1/organisation", {"grace_weeks": 0})
    shown = organisation.api.get("/v1/users/anna/rank").json()
    assert (shown["rank"], shown["next_rank"]) == ("Novice", {"name": "Master", "weeks": 2})
    assert organisation.api.get("/v1/organisation").json()["ranks"] == changed.json()["ranks"]


@pytest.mark.parametrize(
    "body",
    [
        {"ranks": []},
        {"ranks": [{"name": "a", "weeks": 1}]},
        {"ranks": [{"name": "a", "weeks": 0}, {"name": "b", "weeks": 0}]},
        {"ranks": [{"name": "a", "weeks": 0}, {"name": "a", "weeks": 1}]},
        {"ranks": [{"name": "", "weeks": 0}]},
        {"ranks": [{"name": "a", "weeks": 0, "multiplier": 0}]},
        {"ranks": [{"name": "a", "weeks": 0, "discount_pct": 101}]},
        {"grace_weeks": 5},
    ],
)
def test_ranks_that_make_no_sense_are_refused(organisation, body):
    """Everybody has exactly one rank, within bounds; else a 400, and the settings stay."""
    before = organisation.api.get("/v1/organisation").json()
    assert organisation.api.patch("/v1/organisation", body).status_code == 400
    assert organisation.api.get("/v1/organisation").json() == before


def test_a_ledger_has_pages_from_the_latest_on(organisation):
    """Entries come by number, downwards, each with the event, rule version and hand behind it."""
    first = organisation.api.event("course.completed", properties={"course_id": "1"})
    for number in range(4):
        organisation.api.post("/v1/points/award", {"user_id": "anna", "points": 1 + number, "reason": "x"})
    page = organisation.api.get("/v1/users/anna/ledger", limit=3).json()
    rest = organisation.api.get("/v1/users/anna/ledger", limit=3, cursor=page["next_cursor"]).json()
    entries = [*page["entries"], *rest["entries"]]
    assert [entry["number"] for entry in entries] == [5, 4, 3, 2, 1]
    assert [entry["balance_after"] for entry in entries] == [60, 56, 53, 51, 50]
    assert rest["next_cursor"] is None
    earned = entries[-1]
    assert (earned["event_id"], earned["actor"]) == (first["event_id"], "rules")
    assert (earned["rule_id"], earned["rule_version"]) == (first["decisions"][0]["rule_id"], 1)


@pytest.mark.parametrize("name", ["balance", "ledger", "events", "badges", "limits"])
@pytest.mark.parametrize("user_id", ["nobody", "%00", "a%2Fb", "x" * 300])
def test_a_stranger_is_not_found(organisation, name, user_id):
    """Reading somebody unknown is a 404, whatever the id looks like, and makes nobody."""
    response = organisation.api.get(f"/v1/users/{user_id}/{name}")
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    "user_id", ["ünïcode", "with blank", "a+b@example.org", "a?b#c", "100%", "…", "moodle:8774"]
)
def test_any_id_that_may_be_written_may_be_read(organisation, user_id):
    """Ids with blanks, plus, percent or letters of any script work in a URL when escaped."""
    organisation.api.post("/v1/points/award", {"user_id": user_id, "points": 3, "reason": "x"})
    balance = organisation.api.get(f"/v1/users/{quote(user_id, safe='')}/balance")
    assert balance.json()["user_id"] == user_id


def test_events_of_a_learner(organisation):
    """A learner's events, the latest first, and nobody else's."""
    for user_id in ("anna", "ben", "anna"):
        organisation.api.event("quiz.started", user_id, properties={"n": user_id}, timestamp=1772445600)
        organisation.api.event("quiz.started", user_id, timestamp="2026-03-02T10:00:01Z")
    page = organisation.api.get("/v1/users/anna/events", limit=1).json()
    rest = organisation.api.get("/v1/users/anna/events", limit=5, cursor=page["next_cursor"]).json()
    assert [event["user_id"] for event in (*page["events"], *rest["events"])] == ["anna", "anna"]


def test_badges_are_given_once(make_organisation):
    """A rule's badge is answered and listed when it is new; the second award gives points only."""
    rule = {
        "rule_id": "master",
        "trigger": {"event": "course.completed"},
        "actions": {"award_points": 5, "issue_badge": "course_master"},
    }
    organisation = make_organisation(rules=[parse_rule(rule)])
    first = organisation.api.event("course.completed", properties={"course_id": "1"})
    second = organisation.api.event("course.completed", properties={"course_id": "2"})
    assert (first["badges"], second["badges"]) == (["course_master"], [])
    (held,) = organisation.api.get("/v1/users/anna/badges").json()["badges"]
    assert (held["badge_id"], held["event_id"]) == ("course_master", first["event_id"])
    assert organisation.api.points("anna") == 10


def test_limits_say_what_is_used_of_each_cap(organisation):
    """What of a cap is used today, what remains, and when it starts anew."""
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(2):
        organisation.api.event("forum.posted", timestamp=now.isoformat(), event_id=f"post-{number}")
    limits = organisation.api.get("/v1/users/anna/limits").json()["limits"]
    (cap,) = [limit for limit in limits if limit["limit"] == 3]
    assert (cap["constraint"], cap["used"], cap["remaining"]) == ("max_per_day", 2, 1)
    assert datetime.fromisoformat(cap["since"]) <= now < datetime.fromisoformat(cap["resets_at"])
    assert datetime.fromisoformat(cap["resets_at"]) - datetime.fromisoformat(cap["since"]) == timedelta(
        days=1
    )


def test_a_refusal_has_the_numbers_behind_it(organisation):
    """The fourth post of a day is refused, with the cap, what was used of it and its day."""
    answers = [organisation.api.event("forum.posted", event_id=f"post-{number}") for number in range(4)]
    assert [answer["points_awarded"] for answer in answers] == [5, 5, 5, 0]
    (decision,) = answers[3]["decisions"]
    assert decision["outcome"] == "cap_reached"
    assert {"constraint": "max_per_day", "limit": 3, "used": 3}.items() <= decision["detail"].items()
