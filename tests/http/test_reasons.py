"""Reasons: every rule says why, what is left of its caps, and what an event would give if it came now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.rules.parse import parse_rules

ON_MONDAY = "2026-03-02T10:00:00Z"


@pytest.fixture
def api(organisation):
    """Calls with the admin key of a fresh organisation with the default rules."""
    return organisation.api


def by_rule(decisions):
    return {decision["rule_id"]: decision for decision in decisions}


def test_an_event_says_why(api):
    """A refused event names the cap, what was used, when it opens, and the award that stood in the way."""
    answers = [api.event("forum.posted", event_id=f"p{number}") for number in range(4)]
    read = api.read(answers[3]["event_id"])
    told = by_rule(read["decisions"])
    assert len(told) == 8
    refused = told["forum_posted"]
    assert (refused["outcome"], refused["code"]) == ("cap_reached", "cap_reached")
    assert refused["sentence"] == (
        "You already earned points for 3 forum posts on 2 March. The next one counts from 3 March 00:00."
    )
    assert refused["opens_at"] == "2026-03-03T00:00:00Z"
    assert refused["title"] == "Wrote in a forum, three times a day"
    detail = refused["detail"]
    assert (detail["constraint"], detail["limit"], detail["used"]) == ("max_per_day", 3, 3)
    assert detail["by_event"] in {answer["event_id"] for answer in answers[:3]}
    assert told["course_completed"]["sentence"] == "This is for completed courses, not for forum posts."
    assert told["badge_awarded"]["code"] == "not_active"
    assert all(decision["sentence"] and decision["code"] for decision in read["decisions"])


def test_what_was_awarded_before_names_its_event(api):
    """A course that is completed again names the event of the first completion."""
    first = api.event("course.completed", event_id="1", properties={"course_id": "7"})
    second = api.event("course.completed", event_id="2", properties={"course_id": "7"})
    told = by_rule(api.read(second["event_id"])["decisions"])["course_completed"]
    assert (told["code"], told["detail"]["by_event"]) == ("already_awarded_for", first["event_id"])
    assert "this course" in told["sentence"]
    own = by_rule(api.read(first["event_id"])["decisions"])["course_completed"]
    assert (own["code"], own["sentence"]) == ("awarded", "You earned 50 points for a completed course.")


def test_the_rules_are_those_of_then(api):
    """Who looks later is told by the rules as they stood when the event came, and which were made since."""
    draft = {"rule_id": "extra", "trigger": "quiz.started", "actions": {"award_points": 1}, "status": "draft"}
    api.post("/v1/rules", draft)
    answer = api.event("quiz.started")
    api.request("PUT", "/v1/rules/extra", json=draft | {"status": "active"})
    api.post("/v1/rules", draft | {"rule_id": "new", "status": "active"})
    api.request("DELETE", "/v1/rules/user_logged_in")
    told = by_rule(api.read(answer["event_id"])["decisions"])
    assert (told["extra"]["code"], told["extra"]["rule_version"]) == ("draft", 1)
    assert (told["new"]["outcome"], told["new"]["code"]) == ("inactive", "made_later")
    assert told["user_logged_in"]["code"] == "other_event"
    assert len(told) == 10
    later = by_rule(api.read(api.event("quiz.started", event_id="later")["event_id"])["decisions"])
    assert (later["extra"]["code"], later["new"]["code"], "user_logged_in" in later) == (
        "awarded", "awarded", False,
    )  # fmt: skip


def test_events_that_do_not_count_say_so(api, organisation):
    """An ignored event has a sentence for each rule that would have heard it."""
    login = {"eventname": "\\core\\event\\user_loggedin", "id": 1, "userid": 2, "timecreated": 1772445600}
    assert organisation.hook(json.dumps(login)).json()["status"] == "ignored"
    (event,) = api.get("/v1/events").json()["events"]
    told = by_rule(api.read(event["event_id"])["decisions"])["user_logged_in"]
    assert (told["outcome"], told["code"]) == ("filtered", "event_ignored")
    assert told["sentence"].startswith("This activity doesn't count: ")


def test_explaining_a_learner(api):
    """A learner's events with all reasons, filtered by event, time and id, page by page."""
    for number in range(3):
        api.event("forum.posted", event_id=f"p{number}", timestamp=f"2026-03-0{number + 1}T10:00:00Z")
    course = api.event("course.completed", properties={"course_id": "7"})
    api.event("forum.posted", "ben")

    def explain(user_id="anna", **query):
        response = api.get(f"/v1/users/{user_id}/explain", **query)
        assert response.status_code == 200, response.text
        return response.json()

    page = explain(limit=3)
    rest = explain(limit=3, cursor=page["next_cursor"])
    events = [*page["events"], *rest["events"]]
    assert [event["event"] for event in events] == ["course.completed", *["forum.posted"] * 3]
    assert (page["user_id"], rest["next_cursor"]) == ("anna", None)
    assert {len(event["decisions"]) for event in events} == {8}
    assert len(explain(event="forum.posted", since="2026-03-02T10:00:00Z")["events"]) == 2
    assert len(explain(event="forum.posted", until="2026-03-02T10:00:00Z")["events"]) == 1
    for query in ({"event": course["event_id"]}, {"event_id": course["event_id"]}):
        (only,) = explain(**query)["events"]
        assert by_rule(only["decisions"])["course_completed"]["code"] == "awarded"
    assert api.get("/v1/users/ben/explain", event_id=course["event_id"]).status_code == 404
    assert api.get("/v1/users/nobody/explain").status_code == 404
    assert api.get("/v1/users/anna/explain", since="soon").json()["details"]["field"] == "since"


def test_what_is_left(make_organisation):
    """Each rule that holds now tells its caps, what is left and when they open; courses that were used are
    named; pages show each row once."""
    organisation = make_organisation(
        rules=parse_rules(
            [
                {
                    "rule_id": "course", "trigger": "course.completed", "actions": {"award_points": 5},
                    "constraints": {"max_per_course": 2, "max_per_day": 2, "max_per_week": 5},
                },
                {"rule_id": "free", "trigger": "quiz.completed", "actions": {"award_points": 1}},
                {
                    "rule_id": "points", "trigger": "forum.posted", "actions": {"award_points": 7},
                    "constraints": {"max_points_per_day": 10},
                },
                {
                    "rule_id": "past", "trigger": "forum.posted", "actions": {"award_points": 7},
                    "ends_at": "2026-03-01",
                },
            ]
        )
    )  # fmt: skip
    api = organisation.api
    now = datetime.now(UTC)
    for number, course in enumerate(("ethics", "ethics", "x" * 60)):
        title = f"About {course[:6]}"
        api.event(
            "course.completed",
            event_id=f"e{number}",
            timestamp=(now - timedelta(seconds=3 - number)).isoformat(),
            properties={"course_id": course, "course_title": title},
        )
    api.event("forum.posted", timestamp=now.isoformat())
    path = "/v1/users/anna/limits"
    rows, cursor = [], None
    while True:
        page = api.get(path, limit=2, **({"cursor": cursor} if cursor else {})).json()
        rows += page["limits"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert rows == api.get(path).json()["limits"]
    told = [(row["rule_id"], row["constraint"], row["limit"], row["used"], row["remaining"]) for row in rows]
    used = 2 if (now - timedelta(seconds=3)).date() == now.date() else rows[0]["used"]
    assert told[0] == ("course", "max_per_day", 2, used, 2 - used)
    assert (rows[0]["opens_at"] is not None) == (used == 2)
    assert rows[0]["resets_at"] is not None
    assert told[1][:3] == ("course", "max_per_week", 5)
    assert told[2] == ("course", "max_per_course", 2, 2, 0)
    assert (rows[2]["key"]["course_id"], rows[2]["key"]["title"]) == ("ethics", "About ethics")
    assert told[-2:] == [("free", None, None, None, None), ("points", "max_points_per_day", 10, 7, 3)]
    assert "past" not in {row["rule_id"] for row in rows}
    assert api.get(path, cursor="aGVsbG8").status_code == 400


def test_what_is_left_of_a_day_and_of_a_wait(make_organisation):
    """What is given once a day, and what has to wait, open when the day ends and when the wait does."""
    written = [
        {
            "rule_id": "login",
            "trigger": "user.logged_in",
            "actions": {"award_points": 1},
            "constraints": {"unique_by": "@day"},
        },
        {
            "rule_id": "post",
            "trigger": "forum.posted",
            "actions": {"award_points": 1},
            "constraints": {"cooldown_minutes": 60},
        },
    ]
    api = make_organisation(timezone="Asia/Tokyo", rules=parse_rules(written)).api
    api.post("/v1/points/award", {"user_id": "anna", "points": 1, "reason": "x"})
    fresh = api.get("/v1/users/anna/limits").json()["limits"]
    assert [(row["constraint"], row["remaining"], row["opens_at"]) for row in fresh] == [
        ("unique_by", 1, None),
        ("cooldown_minutes", 1, None),
    ]
    now = datetime.now(UTC).replace(microsecond=0)
    for event in ("user.logged_in", "forum.posted"):
        api.event(event, timestamp=now.isoformat())
    login, post = api.get("/v1/users/anna/limits").json()["limits"]
    assert datetime.fromisoformat(post["opens_at"]) == now + timedelta(hours=1)
    assert (post["used"], post["remaining"]) == (1, 0)
    if datetime.fromisoformat(login["since"]) <= now:  # the day didn't change meanwhile
        assert (login["used"], login["remaining"]) == (1, 0)
        assert login["opens_at"] == login["resets_at"]
        assert datetime.fromisoformat(login["opens_at"]).hour == 15


def stored(owner, organisation):
    """Every row of the organisation, as text."""
    tables = owner.fetch(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name = 'organisation_id' AND table_schema = 'public'"
    )
    return {
        row["table_name"]: owner.value(
            f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {row['table_name']} t"
            " WHERE organisation_id = $1",
            organisation.organisation_id,
        )
        for row in tables
    }


def test_what_an_event_would_give(api, organisation, owner):
    """An event is calculated with the learner's counters, as often as one likes, and nothing is written."""
    for number in range(2):
        api.event("forum.posted", event_id=f"p{number}")
    event = {"event": "forum.posted", "user_id": "anna", "timestamp": ON_MONDAY, "event_id": "p0"}
    before = stored(owner, organisation)
    first, again = (api.post("/v1/rules/calculate", event).json() for _ in range(2))
    assert stored(owner, organisation) == before
    assert (
        (first["status"], first["points_awarded"])
        == ("processed", 5)
        == (again["status"], again["points_awarded"])
    )
    told = by_rule(first["decisions"])
    assert told["forum_posted"]["detail"]["caps"]["max_per_day"] == {"used": 3, "limit": 3}
    assert told["forum_posted"]["sentence"] == "You earned 5 points for a forum post."
    assert told["course_completed"]["code"] == "other_event"
    api.event("forum.posted", event_id="p3")
    assert (
        by_rule(api.post("/v1/rules/calculate", event).json()["decisions"])["forum_posted"]["code"]
        == "cap_reached"
    )


def test_what_other_rules_would_give(api):
    """Rules sent with the event are judged instead, drafts as well, with the counts of their ids."""
    for number in range(3):
        api.event("forum.posted", event_id=f"p{number}")
    rules = [
        {
            "rule_id": "forum_posted", "trigger": "forum.posted", "actions": {"award_points": 6},
            "constraints": {"max_per_day": 4},
        },
        {
            "rule_id": "badge", "trigger": "forum.posted", "status": "draft",
            "actions": {"issue_badge": "quiz_master"},
        },
        {"rule_id": "twice", "trigger": "forum.posted", "actions": {"multiplier": 2}},
    ]  # fmt: skip
    event = {"event": "forum.posted", "user_id": "anna", "timestamp": ON_MONDAY}
    answer = api.post("/v1/rules/calculate", {"event": event, "rules": rules})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["points_awarded"], found["badges"]) == (12, ["quiz_master"])
    told = by_rule(found["decisions"])
    assert told["forum_posted"]["detail"]["multiplier"]["base"] == 6
    assert (told["forum_posted"]["rule_version"], told["badge"]["rule_version"]) == (2, 1)
    assert set(told) == {"forum_posted", "badge", "twice"}
    assert api.points("anna") == 15


def test_a_stranger_counts_as_new(api):
    """A learner nobody knows is calculated as a new one, also where strangers are refused, and isn't made."""
    api.patch("/v1/organisation", {"unknown_learner": "refuse"})
    event = {"event": "forum.posted", "user_id": "stranger", "timestamp": ON_MONDAY}
    assert api.post("/v1/rules/calculate", {"event": event}).json()["points_awarded"] == 5
    assert api.get("/v1/users/stranger/balance").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "event"),
        ({}, "event"),
        ({"event": {}}, "event.event"),
        ({"event": {"event": "a.b", "user_id": "x", "timestamp": ON_MONDAY}, "rule": []}, "rule"),
        ({"event": {"event": "a.b", "user_id": "x", "timestamp": ON_MONDAY}, "rules": []}, "rules"),
        ({"event": "a.b", "user_id": "x", "timestamp": ON_MONDAY, "rules": [{"x": 1}]}, "rules[0].x"),
    ],
    ids=str,
)
def test_what_cannot_be_calculated_is_named(api, body, field):
    """A faulty event or rule is a 400 that names it."""
    response = api.post("/v1/rules/calculate", body)
    assert (response.status_code, response.json()["details"]["field"]) == (400, field), response.text
