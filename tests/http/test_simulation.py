"""`POST /v1/rules/simulate`: what changed rules would have given; nothing is written."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from rocket_server.demo.recording import load
from rocket_server.rules.templates import default_rules
from rocket_server.simulation.stream import SQL

PATIENCE_S = 60


def simulate(organisation, rules: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    response = organisation.api.post("/v1/rules/simulate", {"rules": rules, "since": "1d", **fields})
    assert response.status_code == 200, response.text
    return response.json()


def differences(answer: dict[str, Any]) -> list[Any]:
    """Everything that differs, by rule, week, course and learner."""
    parts = [
        one
        for part in ("rules", "weeks", "courses")
        for one in answer[part]
        if one["difference"] or one.get("events_changed")
    ]
    return [*parts, *answer["learners"], *[answer["difference"]] * bool(answer["difference"])]


@pytest.fixture(scope="module")
def busy(make_organisation):
    """An organisation that received the captured morning of a Moodle."""
    organisation = make_organisation(timezone="Europe/Paris")
    for message in load():
        assert organisation.hook(message.body, **{"Content-Type": message.content_type}).status_code == 200
    return organisation


def rows(owner, organisation) -> list[Any]:
    return [
        owner.value(
            f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {table} t WHERE organisation_id = $1",
            organisation.organisation_id,
        )
        for table in ("events", "entries", "accounts", "award_marks", "rules", "completions", "badge_awards")
    ]


def test_the_same_rules_differ_in_nothing(busy, owner):
    """The captured morning under its own rules: every rule, week, course and learner as it was, down to the
    decisions; and nothing is written."""
    before = rows(owner, busy)
    answer = simulate(busy, [rule.as_dict() for rule in default_rules()])
    given = owner.value(
        "SELECT sum(points)::bigint FROM accounts WHERE organisation_id = $1 AND kind = 'learner'",
        busy.organisation_id,
    )
    assert answer["points_current"] == answer["points_candidate"] == given > 0
    assert answer["events"] == owner.value(
        "SELECT count(*) FROM events WHERE organisation_id = $1", busy.organisation_id
    )
    assert differences(answer) == []
    assert answer["learners_touched"] == 0
    for rule in answer["rules"]:
        assert rule["decisions_current"] == rule["decisions_candidate"]
        assert rule["state"] == "unchanged"
    assert rows(owner, busy) == before


def test_a_dearer_rule_is_shown_by_rule_week_course_and_learner(busy):
    """Two points more for each lesson: the difference is twice its awards everywhere, other rules stay."""
    lesson = next(rule for rule in default_rules() if rule.rule_id == "lesson_completed").as_dict()
    answer = simulate(busy, [{**lesson, "actions": {"award_points": 12}}], top=3)
    (changed,) = [rule for rule in answer["rules"] if rule["state"] == "changed"]
    awards = changed["awards_current"]
    assert awards == changed["awards_candidate"] > 0
    net = changed["points_current"] // 10
    assert changed["difference"] == answer["difference"] == 2 * net
    assert sum(week["difference"] for week in answer["weeks"]) == 2 * net
    assert sum(course["difference"] for course in answer["courses"]) == 2 * net
    assert {rule["difference"] for rule in answer["rules"] if rule["state"] == "not_tried"} == {0}
    assert 0 < len(answer["learners"]) <= 3
    assert all(one["user_id"].startswith("moodle:") for one in answer["learners"])
    gains = [one["difference"] for one in answer["learners"]]
    assert gains == sorted(gains, reverse=True)


def test_a_new_rule_a_stricter_one_and_one_switched_off(organisation):
    """A new rule gives; a lower cap takes away, with the reason; a rule that is switched off takes all."""
    api = organisation.api
    for number in range(4):
        api.event("forum.posted", event_id=f"post {number}", timestamp=f"2026-03-02T1{number}:00:00Z")
    api.event("course.viewed", "ben", properties={"course_id": "c9"})
    posted = {
        "rule_id": "forum_posted",
        "trigger": {"event": "forum.posted"},
        "actions": {"award_points": 5},
        "constraints": {"max_per_day": 2},
    }
    viewed = {"rule_id": "viewed", "trigger": {"event": "course.viewed"}, "actions": {"award_points": 1}}
    answer = simulate(organisation, [posted, viewed])
    assert (answer["points_current"], answer["points_candidate"], answer["difference"]) == (15, 11, -4)
    by_rule = {rule["rule_id"]: rule for rule in answer["rules"]}
    assert by_rule["forum_posted"]["decisions_candidate"] == {"awarded": 2, "cap_reached": 2}
    assert by_rule["forum_posted"]["decisions_current"] == {"awarded": 3, "cap_reached": 1}
    assert (by_rule["viewed"]["state"], by_rule["viewed"]["difference"]) == ("new", 1)
    assert [(one["user_id"], one["difference"]) for one in answer["learners"]] == [("ben", 1), ("anna", -5)]
    assert answer["weeks"] == [
        {"week": "2026-03-02", "points_current": 15, "points_candidate": 11, "difference": -4}
    ]
    assert answer["learners_touched"] == 2
    assert simulate(organisation, [{**posted, "active": False}])["difference"] == -15
    assert api.points("anna") == 15


def test_what_cannot_be_tried_is_refused_by_name(organisation):
    """A faulty rule, time or field is a 400 that names it."""
    rule = {"trigger": {"event": "course.viewed"}, "actions": {"award_points": 1}}
    for body, field in (
        ({"rules": [{**rule, "actions": {"award_point": 1}}], "since": "1d"}, "rules[0].actions.award_point"),
        ({"rules": [rule], "since": "soon"}, "since"),
        ({"rules": [rule], "since": "1d", "until": "2d"}, "until"),
        ({"rules": [], "since": "1d"}, "rules"),
        ({"rules": [rule]}, "since"),
        ({"rules": [rule], "since": "1d", "top": 1000}, "top"),
    ):
        response = organisation.api.post("/v1/rules/simulate", body)
        assert response.status_code == 400, response.text
        assert response.json()["details"]["field"] == field


@contextmanager
def locked(portal, store, organisation):
    """Another simulation of the organisation is running in another process."""
    context = store.transaction()
    conn = portal.call(context.__aenter__)
    assert portal.call(conn.fetchval, SQL["try_lock"], organisation.organisation_id)
    try:
        yield
    finally:
        portal.call(context.__aexit__, None, None, None)


def test_one_at_a_time(busy, organisation, portal, store):
    """While one simulation of an organisation runs, another is a 409 that says to wait; other organisations
    don't notice."""
    body = {"rules": [{"trigger": {"event": "a.b"}, "actions": {"award_points": 1}}], "since": "1d"}
    with locked(portal, store, busy):
        response = busy.api.post("/v1/rules/simulate", body)
        assert (response.status_code, response.json()["error"]) == (409, "conflict")
        assert "try again" in response.json()["message"]
        assert organisation.api.post("/v1/rules/simulate", body).status_code == 200
    assert busy.api.post("/v1/rules/simulate", body).status_code == 200


def test_beyond_its_time_it_says_what_to_do(busy, start_server):
    """A simulation that takes too long is a 409 that names the command without a limit."""
    hurried = busy.on(start_server("hurried", ROCKET_SIMULATION_BUDGET="0.0001"))
    body = {"rules": [{"trigger": {"event": "a.b"}, "actions": {"award_points": 1}}], "since": "1d"}
    response = hurried.api.post("/v1/rules/simulate", body)
    assert response.status_code == 409
    answer = response.json()
    assert "rocket rules simulate" in answer["message"]
    assert answer["details"]["field"] == "since"


def test_it_ends_when_the_client_goes_away(make_organisation, owner):
    """A client that hangs up in the middle leaves nothing behind: the next simulation begins at once."""
    organisation = make_organisation()
    base = organisation.server.client.base_url
    events = [
        {
            "event": "forum.posted",
            "user_id": "anna",
            "timestamp": 1772445600 + number,
            "event_id": f"e{number}",
        }
        for number in range(5_000)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda start: organisation.api.post(
                    "/v1/events/batch", {"events": events[start : start + 2_500]}
                ),
                (0, 2_500),
            )
        )
    body = (
        b'{"since": "1d", "rules": [{"rule_id": "forum_posted", "trigger": {"event": "forum.posted"},'
        b' "actions": {"award_points": 1}}]}'
    )
    head = (
        f"POST /v1/rules/simulate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {organisation.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(5):
        with socket.create_connection((base.host, base.port)) as connection:
            connection.sendall(head.encode() + body)
    deadline = time.monotonic() + PATIENCE_S
    while organisation.api.post("/v1/rules/simulate", body_of(body)).status_code != 200:
        assert time.monotonic() < deadline
    held = owner.value(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert held == 0


def body_of(raw: bytes) -> Any:
    import json

    return json.loads(raw)


def test_rules_are_read_as_they_are_set(organisation):
    """What `PUT` takes can be tried: an event by any Moodle name of the catalogue, over the API too."""
    rule = {
        "rule_id": "wiki",
        "trigger": {"event": "\\mod_wiki\\event\\page_created"},
        "actions": {"award_points": 8},
    }
    assert simulate(organisation, [rule])["difference"] == 0
    assert organisation.api.request("PUT", "/v1/rules", json=[rule]).status_code == 200
