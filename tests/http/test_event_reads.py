"""Stored events: listed with filters and pages, read with every decision, run again."""

from __future__ import annotations

import json

import pytest

from support.organisation import Organisation


@pytest.fixture
def filled(organisation) -> Organisation:
    """An organisation with six events of two learners, two sources and three statuses."""
    send = organisation.api.event
    send("course.completed", "anna", timestamp="2026-03-01T10:00:00Z", properties={"course_id": "1"})
    send("course.viewed", "anna", timestamp="2026-03-02T10:00:00Z")
    send("course.viewed", "ben", timestamp="2026-03-03T10:00:00Z", metadata={"source": "academy"})
    send("quiz.completed", "ben", timestamp="2026-03-04T10:00:00Z", properties={"attempt_id": "5"})
    organisation.hook(moodle_event("user_loggedin", userid="2", id="1"))
    organisation.hook(moodle_event("user_loggedin", userid="9", id="2"))
    return organisation


def moodle_event(eventname: str, **fields: str) -> str:
    body = {
        "eventname": f"\\core\\event\\{eventname}",
        "timecreated": "1772445600",
        "courseid": "0",
        **fields,
    }
    return json.dumps(body)


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ({}, 6),
        ({"user_id": "anna"}, 2),
        ({"user_id": "moodle:9"}, 1),
        ({"user_id": "nobody"}, 0),
        ({"event": "course.viewed"}, 2),
        ({"source": "academy"}, 1),
        ({"source": "moodle"}, 2),
        ({"status": "ignored"}, 1),
        ({"status": "processed"}, 5),
        ({"status": "held"}, 0),
        ({"since": "2026-03-03T10:00:00Z"}, 2),
        ({"until": "2026-03-02T10:00:00Z"}, 1),
        ({"since": "2026-03-04"}, 1),
        ({"since": "1772359200", "until": "2026-03-02T11:00:00+01:00"}, 1),
        ({"user_id": "anna", "event": "course.viewed", "status": "processed"}, 1),
        ({"event": "nothing.here"}, 0),
    ],
    ids=str,
)
def test_every_filter(filled, query, events):
    """Each filter lets through what it names; filters are joined by and."""
    response = filled.api.get("/v1/events", **query)
    assert response.status_code == 200, response.text
    assert len(response.json()["events"]) == events


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"status": "lost"}, "status"),
        ({"event": "a\x00b"}, "event"),
        ({"source": "a\x00b"}, "source"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"since": "soon"}, "since"),
        ({"until": "2026-13-01T00:00:00Z"}, "until"),
        ({"until": "2026-02-30"}, "until"),
        ({"cursor": "not ours"}, "cursor"),
        ({"cursor": "aGVsbG8"}, "cursor"),
        ({"cursor": "ÿ"}, "cursor"),
    ],
    ids=str,
)
def test_a_faulty_filter_is_named(organisation, query, field):
    """What a filter can't be is a 400 that names it."""
    response = organisation.api.get("/v1/events", **query)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field


def test_pages_follow_one_another(filled):
    """Following `next_cursor` shows every event once, the latest first, also while new ones arrive."""
    seen: list[str] = []
    page = filled.api.get("/v1/events", limit=2).json()
    while True:
        seen += [event["event_id"] for event in page["events"]]
        filled.api.event("course.viewed", timestamp=1772445600 + len(seen))
        if page["next_cursor"] is None:
            break
        page = filled.api.get("/v1/events", limit=2, cursor=page["next_cursor"]).json()
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, reverse=True)


def test_an_event_is_read_with_all_that_is_known(organisation):
    """A read has the caller's id, status, points, and what every rule says, also one that is off."""
    answer = organisation.api.event("badge.awarded", properties={"object_id": "3"}, event_id="mine")
    stored = organisation.api.read(answer["event_id"])
    assert stored.keys() == {
        "event_id", "source_event_id", "source", "status", "reason", "event", "user_id", "timestamp",
        "received_at", "properties", "metadata", "points_awarded", "badges", "decisions",
    }  # fmt: skip
    assert (stored["source_event_id"], stored["source"], stored["status"]) == ("mine", "api", "processed")
    assert stored["reason"] is None
    off, *others = stored["decisions"]
    assert (off["rule_id"], off["outcome"], off["code"]) == ("badge_awarded", "inactive", "not_active")
    assert {decision["code"] for decision in others} == {"other_event"}
    assert len(others) == 7


@pytest.mark.parametrize("event_id", ["nonsense", "00000000-0000-7000-8000-000000000009", "%00", "a" * 400])
def test_an_unknown_event_is_not_found(organisation, event_id):
    """Reading or running an event that isn't there is a 404, whatever its id looks like."""
    for method, path in (("GET", f"/v1/events/{event_id}"), ("POST", f"/v1/events/{event_id}/retry")):
        response = organisation.api.request(method, path)
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"


def test_running_an_event_again_changes_nothing_new(organisation, adds_up):
    """A processed event that is run again earns what it earned, once: the first award is taken back."""
    answer = organisation.api.event("course.completed", properties={"course_id": "1"})
    again = organisation.api.post(f"/v1/events/{answer['event_id']}/retry").json()
    assert again["event_id"] == answer["event_id"]
    assert organisation.api.points("anna") == 50
    assert organisation.api.read(answer["event_id"])["status"] == "processed"
    adds_up(organisation)


def test_a_held_event_is_released_after_mapping(organisation):
    """With `hold`, a stranger's event waits with the reason; once the identity is somebody's, it counts."""
    source = f"/v1/sources/{organisation.moodle.source_id}"
    assert organisation.api.patch(source, {"unknown_learner": "hold"}).status_code == 200
    answer = organisation.hook(
        moodle_event("course_completed", relateduserid="31", userid="2", courseid="4", id="8")
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert "unknown_learner" in answer.json()["reason"]
    event_id = answer.json()["event_id"]
    assert organisation.api.read(event_id)["status"] == "held"
    assert organisation.api.get("/v1/users/moodle:31/balance").status_code == 404

    still = organisation.api.post(f"/v1/events/{event_id}/retry").json()
    assert (still["status"], still["points_awarded"]) == ("held", 0)
    organisation.api.post(
        "/v1/events",
        {
            "event": "user.joined",
            "occurred_at": 1772445600,
            "user": {"id": "anna", "external_ids": {"moodle": "31"}},
        },
    )
    released = organisation.api.post(f"/v1/events/{event_id}/retry").json()
    assert (released["status"], released["points_awarded"]) == ("processed", 50)
    assert organisation.api.points("anna") == 50
    again = organisation.api.post(f"/v1/events/{event_id}/retry").json()
    assert again["status"] == "processed"
    assert organisation.api.points("anna") == 50


def test_refused_strangers_are_ignored_with_the_reason(organisation):
    """With `refuse`, a stranger's event is kept as ignored and nobody is made."""
    assert organisation.api.patch("/v1/organisation", {"unknown_learner": "refuse"}).status_code == 200
    answer = organisation.api.event("course.completed", "stranger", properties={"course_id": "1"})
    assert (answer["status"], answer["points_awarded"]) == ("ignored", 0)
    assert answer["reason"].startswith("unknown_learner")
    assert organisation.api.get("/v1/users/stranger/balance").status_code == 404
    response = organisation.api.post("/v1/points/award", {"user_id": "stranger", "points": 1, "reason": "x"})
    assert response.status_code == 404


def test_an_unknown_moodle_event_counts_after_it_was_mapped(organisation):
    """An event that nobody knows is kept as ignored; mapped on the source and run again, it counts."""
    body = moodle_event("tea_drunk", userid="9", id="5").replace("core", "local_kitchen")
    event_id = organisation.hook(body).json()["event_id"]
    stored = organisation.api.read(event_id)
    assert stored["status"] == "ignored"
    assert stored["reason"].startswith("unknown_event")
    mapping = {
        "\\local_kitchen\\event\\tea_drunk": {
            "event": "course.completed",
            "learner": "userid",
            "once_per": "event",
        }
    }
    path = f"/v1/sources/{organisation.moodle.source_id}"
    response = organisation.api.patch(path, {"mappings": mapping})
    assert response.status_code == 200, response.text
    again = organisation.api.post(f"/v1/events/{event_id}/retry").json()
    assert again["status"] == "processed"
    assert organisation.api.read(event_id)["event"] == "course.completed"
    assert organisation.api.points("moodle:9") == 50


@pytest.mark.parametrize("path", ["/v1/events", "/v1/users/anna/events", "/v1/users/anna/explain"])
def test_a_page_of_large_events_has_fewer_of_them(organisation, path):
    """Five hundred events of a megabyte would be half a gigabyte in memory for each who asks: a page ends
    after four, and its cursor leads to all the others."""
    for number in range(24):
        text = "x" * 900_000 if number < 12 else "x"
        organisation.api.event("course.viewed", "anna", event_id=f"e{number}", properties={"text": text})
    seen, cursor = [], None
    while True:
        query = {"limit": 500, **({"cursor": cursor} if cursor else {})}
        response = organisation.api.get(path, **query)
        assert len(response.content) < 6 * 1024 * 1024
        answer = response.json()
        seen += [event["source_event_id"] for event in answer["events"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"e{number}" for number in reversed(range(24))]
