"""Events that counted, waited or were passed over, and count again."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def told(organisation, owner):
    """The deliveries of an event to webhooks that want all."""
    organisation.api.post("/v1/webhooks", {"url": "https://hooks.example.org/a", "events": ["*"]})

    def told(event_id: str) -> int:
        return owner.value(
            "SELECT count(*) FROM deliveries WHERE organisation_id = $1 AND event_id = $2",
            organisation.organisation_id,
            event_id,
        )

    return told


def test_an_event_that_was_filtered_for_a_while_counts_again(organisation, told, adds_up):
    """A filter switched on and off: run again each time, it is worth the same and told once."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    body = {
        "eventname": "\\core\\event\\course_completed",
        "id": "1",
        "userid": "9",
        "relateduserid": "9",
        "courseid": "7",
        "timecreated": "1772445600",
    }
    sent = organisation.hook(json.dumps(body)).json()
    event_id = sent["event_id"]
    assert (sent["points_awarded"], told(event_id)) == (50, 1)
    for _ in range(2):
        assert organisation.api.patch(path, {"filters": {"course_ids": ["8"]}}).status_code == 200
        assert organisation.api.post(f"/v1/events/{event_id}/retry").json()["status"] == "ignored"
        assert organisation.api.patch(path, {"filters": {"course_ids": ["7"]}}).status_code == 200
        again = organisation.api.post(f"/v1/events/{event_id}/retry")
        assert (again.status_code, again.json()["points_awarded"]) == (200, 50), again.text
    assert told(event_id) == 1
    adds_up(organisation)


def test_a_copy_with_more_fields_leaves_what_was_given(organisation, adds_up):
    """A second send that only adds fields keeps the first's badges, by rules and by criteria."""
    api = organisation.api
    for badge_id, more in (("a_rules", {}), ("by_criteria", {"criteria": {"points": 50}})):
        assert api.post("/v1/badges", {"badge_id": badge_id, "name": badge_id, **more}).status_code == 201
    given = {
        "rule_id": "badge",
        "trigger": {"event": "course.completed"},
        "actions": {"issue_badge": "a_rules"},
    }
    assert api.post("/v1/rules", given).status_code == 201
    body = {
        "eventname": "\\core\\event\\course_completed",
        "id": "1",
        "userid": "9",
        "relateduserid": "9",
        "courseid": "7",
        "timecreated": "1772445600",
    }
    event_id = organisation.hook(json.dumps(body)).json()["event_id"]
    second = organisation.hook(json.dumps({**body, "course_fullname": "Algebra"})).json()
    assert (second["status"], second["event_id"]) == ("duplicate", event_id)
    stored = api.get(f"/v1/events/{event_id}").json()
    assert stored["properties"]["course_title"] == "Algebra"
    assert sorted(stored["badges"]) == ["a_rules", "by_criteria"]
    adds_up(organisation)
    path = f"/v1/sources/{organisation.moodle.source_id}"
    assert api.patch(path, {"filters": {"course_ids": ["8"]}}).status_code == 200
    assert api.post(f"/v1/events/{event_id}/retry").json()["status"] == "ignored"
    badges = [one["badge_id"] for one in api.get("/v1/users/moodle:9/badges").json()["badges"]]
    assert badges == ["by_criteria"]
    adds_up(organisation)


def test_a_wrong_identity_is_removed_and_the_right_one_linked(organisation, told, adds_up):
    """An event run again in between waits; given to the right learner, it is theirs and told once."""
    api = organisation.api
    api.patch("/v1/organisation", {"unknown_learner": "hold"})
    for name, identities in (("wrong", ["lms:7"]), ("right", [])):
        assert api.post("/v1/users", {"user_id": name, "identities": identities}).status_code == 201
    event = api.event("course.completed", "lms:7", properties={"course_id": "1"})
    other = api.event("course.completed", "lms:7", properties={"course_id": "2"})
    api.patch("/v1/users/wrong", {"remove_identities": ["lms:7"]})
    for one in (event, other):
        assert api.post(f"/v1/events/{one['event_id']}/retry").json()["status"] == "held"
    linked = api.post("/v1/users/right/identities", {"identities": ["lms:7"]})
    assert (linked.status_code, linked.json()["released"]["events"]) == (201, 2), linked.text
    assert (api.points("wrong"), api.points("right")) == (0, 100)
    assert told(event["event_id"]) == told(other["event_id"]) == 1
    adds_up(organisation)
