"""Batches of a platform's events, as our own Moodle plugin sends them, and what it asks before."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

TIME = 1772445600
COMPLETED = "\\core\\event\\course_completed"
COMPLETION = "\\core\\event\\course_module_completion_updated"


def event(event_id: str, eventname: str = COMPLETED, **fields: Any) -> dict[str, Any]:
    """An event as local_rocket spells it."""
    common = {
        "plugin": "local_rocket 2026112800",
        "event_id": event_id,
        "eventname": eventname,
        "courseid": "4",
    }
    own = {
        "userid": "9",
        "relateduserid": "9",
        "timecreated": str(TIME),
        "wwwroot": "https://moodle.example.test",
    }
    return common | own | fields


@pytest.fixture
def send(organisation):
    """Sends a batch to the Moodle source and answers what became of its events."""

    def post(events: Any, *, status: int = 200, **headers: str) -> Any:
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        response = organisation.server.client.post(
            "/api/public/hook/moodle/events",
            content=body,
            headers={"Authorization": f"Bearer {organisation.moodle.token}", **headers},
        )
        assert response.status_code == status, response.text
        return response.json()["results"] if status == 200 else response.json()

    return post


def test_each_event_of_a_batch_is_as_if_it_came_alone(organisation, send, adds_up):
    """Good ones count, staff and unknown ones are kept with a reason, one that can't be read hurts none."""
    batch = [
        event("a"),
        event("b", relateduserid="2"),
        event("c", "\\mod_chess\\event\\won"),
        {"eventname": COMPLETED, "id": "1"},
        7,
        event("d", courseid="5"),
    ]
    first = send(batch)
    assert [one["status"] for one in first] == [
        "success",
        "ignored",
        "ignored",
        "failed",
        "failed",
        "success",
    ]
    assert [one["index"] for one in first] == list(range(6))
    assert [one.get("reason", "").split(":")[0] for one in first] == [
        "", "staff", "unknown_event", "timecreated", "The item is no JSON object, {…}.", "",
    ]  # fmt: skip
    assert organisation.api.points("moodle:9") == 100
    again = send(batch)
    assert [one["status"] for one in again] == ["duplicate"] * 3 + ["failed"] * 2 + ["duplicate"]
    assert [one["event_id"] for one in again] == [one["event_id"] for one in first]
    assert organisation.api.points("moodle:9") == 100
    adds_up(organisation)


def test_a_batch_may_be_packed_and_has_bounds(send):
    """Gzip is read; no list, an empty one and more than 2,000 are refused and change nothing."""
    packed = gzip.compress(json.dumps([event("a")]).encode())
    assert [one["status"] for one in send(packed, **{"Content-Encoding": "gzip"})] == ["success"]
    for wrong in ({"events": []}, [], [event("x")] * 2_001, b"nothing", b""):
        assert send(wrong, status=400)["error"] == "invalid_payload"
    many = send([event(f"n{number}", courseid=str(100 + number)) for number in range(2_000)])
    assert {one["status"] for one in many} == {"success"}


def test_both_plugins_at_once_count_nothing_twice(organisation, send, adds_up):
    """With Event Trigger's number our plugin's event is the same one, whichever came first."""
    hooked = {"eventname": COMPLETED, "id": "17", "userid": "9", "relateduserid": "9", "courseid": "4"}
    by_trigger = organisation.hook(json.dumps(hooked | {"timecreated": str(TIME)})).json()
    assert by_trigger["points_awarded"] == 50
    (ours,) = send([event("a", id="17", role_ids=["5"], role_names=["student"], score="87.5")])
    assert (ours["status"], ours["event_id"]) == ("duplicate", by_trigger["event_id"])
    properties = organisation.api.read(ours["event_id"])["properties"]
    assert (properties["role_ids"], properties["score"]) == (["5"], 87.5)
    (first,) = send([event("b", id="18", courseid="5")])
    late = organisation.hook(
        json.dumps(hooked | {"id": "18", "courseid": "5", "timecreated": str(TIME)})
    ).json()
    assert (late["status"], late["event_id"]) == ("duplicate", first["event_id"])
    assert organisation.api.points("moodle:9") == 100
    adds_up(organisation)


def test_staff_by_role_take_back_what_event_trigger_could_not_know(organisation, send, adds_up):
    """A teacher's event earns nothing, also where the other plugin's copy, without roles, had earned."""
    hooked = {"eventname": COMPLETED, "id": "17", "userid": "9", "relateduserid": "9", "courseid": "4"}
    assert organisation.hook(json.dumps(hooked | {"timecreated": str(TIME)})).json()["points_awarded"] == 50
    (ours,) = send([event("a", id="17", excluded="editingteacher", role_ids=["3"])])
    assert (ours["status"], ours["reason"].split(":")[0]) == ("ignored", "staff")
    assert organisation.api.points("moodle:9") == 0
    (alone,) = send([event("b", excluded="siteadmin", courseid="5")])
    assert alone["status"] == "ignored"
    assert "siteadmin" in alone["reason"]
    adds_up(organisation)


def test_filters_and_rules_see_what_our_plugin_says(organisation, send):
    """Roles are filtered, and rules ask for groups, categories and grades."""
    source = organisation.api.get("/v1/sources").json()["sources"][0]
    rule = {
        "rule_id": "honours",
        "trigger": {
            "event": "course.completed",
            "conditions": {
                "grade": {"gte": 80},
                "group_ids": {"contains": "12"},
                "category_ids": {"contains": "3"},
            },
        },
        "actions": {"award_points": 7},
    }
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    groups = {"group_ids": ["11", "12"], "category_ids": ["1", "3"], "grademax": "100"}
    send([event("a", grade="85.0", **groups), event("b", grade="79.5", courseid="5", **groups)])
    assert organisation.api.points("moodle:9") == 50 + 7 + 50
    filters = {"filters": {"role_ids": ["5"]}}
    assert organisation.api.patch(f"/v1/sources/{source['source_id']}", filters).status_code == 200
    by_role = [
        event("c", courseid="6", role_ids=["3", "5"]),
        event("d", courseid="7", role_ids=["4"]),
        event("e", courseid="8", role_ids=[]),
    ]
    answers = send(by_role)
    assert [one["status"] for one in answers] == ["success", "ignored", "ignored"]
    assert "has the roles 4" in answers[1]["reason"]
    assert "has no role" in answers[2]["reason"]


def test_states_of_one_second_are_ordered_by_the_queue(organisation, send, adds_up):
    """Set, unset and set within a second: the last in Moodle's order holds, in whatever order they arrive."""
    states = [
        event(
            f"c{place}", COMPLETION, sequence=str(place), contextlevel="70", contextinstanceid="77",
            other_completionstate=state,
        )
        for place, state in ((1, "1"), (2, "0"), (3, "1"), (4, "0"))
    ]  # fmt: skip
    for place in (3, 0, 1, 2):
        send([states[place]])
    assert organisation.api.points("moodle:9") == 0
    adds_up(organisation)


def test_what_was_sent_live_and_is_imported_counts_once(organisation, send):
    """A row of the plugin's export has the event's own id, and whichever comes second is a duplicate."""
    row = {
        "event": "course.completed", "user_id": "moodle:9", "timestamp": TIME,
        "event_id": "core.course_completed:5",
        "metadata": {"source": "moodle"}, "properties": {"course_id": "4"},
    }  # fmt: skip
    send([event("core.course_completed:5")])
    assert organisation.api.post("/v1/events", row).json()["status"] == "duplicate"
    other = row | {"event_id": "core.course_completed:6", "properties": {"course_id": "5"}}
    assert organisation.api.post("/v1/events", other).json()["points_awarded"] == 50
    assert [one["status"] for one in send([event("core.course_completed:6", courseid="5")])] == ["duplicate"]
    assert organisation.api.points("moodle:9") == 100


def test_address_of_our_plugin_links_a_person(organisation, send):
    """Our plugin's JSON isn't damaged on the way, so its address finds the learner in other sources."""
    organisation.api.post("/v1/users", {"user_id": "crm-1", "email": "ada+x@example.test"})
    send([event("a", learner_id="9", learner_email="ada+x@example.test")])
    assert organisation.api.points("crm-1") == 50


def test_the_log_has_a_row_for_a_batch(organisation, send):
    """An administrator sees that a batch came, and what was wrong with its events."""
    send([event("a"), {"eventname": COMPLETED, "id": "1"}])
    source = organisation.api.get("/v1/sources").json()["sources"][0]
    requests = organisation.api.get(f"/v1/sources/{source['source_id']}/requests").json()["requests"]
    assert len(requests) == 1
    assert "[1] timecreated: is missing" in requests[0]["reason"]


def test_a_plugin_learns_what_to_send(organisation):
    """The catalogue with the source's own mappings and whose each event is, once: 304 until it changes."""
    client, path = organisation.server.client, "/api/public/hook/moodle/catalogue"
    headers = {"Authorization": f"Bearer {organisation.moodle.token}"}
    first = client.get(path, headers=headers)
    assert first.status_code == 200
    learners = {one["eventname"]: one["learner"] for one in first.json()["events"]}
    assert (learners[COMPLETED], learners["\\core\\event\\user_loggedin"]) == ("relateduserid", "userid")
    assert learners["\\core\\event\\course_reset_ended"] == ""
    assert first.json()["source"] == {"name": "moodle", "site": None}
    known = headers | {"If-None-Match": first.headers["etag"]}
    assert client.get(path, headers=known).status_code == 304
    source = organisation.api.get("/v1/sources").json()["sources"][0]
    own = {
        "\\mod_chess\\event\\won": {"event": "chess.won", "learner": "relateduserid", "once_per": "object"}
    }
    organisation.api.patch(f"/v1/sources/{source['source_id']}", {"mappings": own})
    changed = client.get(path, headers=known)
    assert changed.status_code == 200
    assert {
        "eventname": "\\mod_chess\\event\\won",
        "learner": "relateduserid",
        "title": "chess.won",
    } in changed.json()["events"]
    assert client.get(path, headers={"Authorization": "Bearer " + "x" * 40}).status_code == 401
    made = organisation.api.post("/v1/sources", {"kind": "custom", "name": "lrs"}).json()
    custom = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/api/public/hook/custom/catalogue", headers=custom).status_code == 404
    assert client.get(path, headers=custom).status_code == 403


def test_ids_that_mean_nothing_fail_by_name(organisation, send):
    """Two learners' events with an id that a program writes for no value are no duplicates: both fail."""
    results = send([event("undefined"), event("undefined", relateduserid="10"), event("0"), event("a")])
    assert [one["status"] for one in results] == ["failed", "failed", "failed", "success"]
    assert all(one["reason"].startswith("event_id: ") for one in results[:3]), results
    assert organisation.api.points("moodle:9") == 50
