"""Single events and batches: spellings, answers, duplicates, limits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

FLAT = {
    "event": "course.completed",
    "user_id": "anna",
    "timestamp": "2026-03-02T10:00:00Z",
    "properties": {"course_id": "123", "progress_pct": 100},
    "event_id": "evt-1",
}
CANONICAL = {
    "event": "course.completed",
    "source": "academy",
    "occurred_at": "2026-03-02T10:00:00Z",
    "user": {"id": "anna", "email": "anna@example.org"},
    "context": {"course": {"id": "123", "title": "Food"}, "lesson": {"id": "7", "title": "Knives"}},
    "metrics": {"progress_pct": 100, "time_on_task_sec": 60},
    "trace": {
        "request_id": "r-1",
        "lms_event_id": "evt-1",
        "lms_eventname": "\\core\\event\\course_completed",
    },
}


def without(event, *names):
    return {name: value for name, value in event.items() if name not in names}


def refused(response, field):
    """Assert that a response names `field` as the one at fault."""
    assert response.status_code == 400, response.text
    body = response.json()
    assert body["error"] == "invalid_payload"
    assert body["details"]["field"] == field
    assert body["details"]["errors"][0]["path"] == field
    assert body["request_id"] == response.headers["x-request-id"]


def test_a_flat_event_is_answered_in_full(organisation):
    """The answer has status, our id, time, points, badges and every decision with the rule's version."""
    answer = organisation.api.event(**FLAT)
    assert answer["status"] == "processed"
    assert answer["points_awarded"] == 50
    assert uuid.UUID(answer["event_id"]).version == 7
    assert datetime.fromisoformat(answer["processed_at"]).tzinfo is not None
    assert answer["badges"] == []
    (decision,) = answer["decisions"]
    assert (decision["outcome"], decision["points"], decision["rule_version"]) == ("awarded", 50, 1)
    assert decision["rule_id"]
    assert organisation.api.points("anna") == 50


def test_the_canonical_spelling_is_stored_flat(organisation):
    """Context, metrics and trace of the canonical spelling become properties and metadata."""
    response = organisation.api.post("/v1/events", CANONICAL)
    assert response.status_code == 200, response.text
    stored = organisation.api.read(response.json()["event_id"])
    assert (stored["event"], stored["user_id"], stored["source"]) == ("course.completed", "anna", "academy")
    assert stored["timestamp"] == "2026-03-02T10:00:00Z"
    assert stored["source_event_id"] == "evt-1"
    assert stored["properties"] == {
        "course_id": "123",
        "course_title": "Food",
        "lesson_id": "7",
        "lesson_title": "Knives",
        "progress_pct": 100,
        "time_on_task_sec": 60,
    }
    assert stored["metadata"]["request_id"] == "r-1"
    assert stored["metadata"]["lms_eventname"] == "\\core\\event\\course_completed"


@pytest.mark.parametrize("repeated", [FLAT, FLAT | {"user_id": "ben", "event": "quiz.completed"}])
def test_the_same_id_is_a_duplicate_whatever_the_body(organisation, repeated):
    """An event id counts once for ever; the duplicate is answered with the first one's id and no points."""
    first = organisation.api.event(**FLAT)
    second = organisation.api.event(**repeated)
    assert (second["status"], second["points_awarded"]) == ("duplicate", 0)
    assert second["event_id"] == first["event_id"]
    assert organisation.api.points("anna") == 50
    assert organisation.api.points("ben") == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"event_id": "a", "id": "x"}, {"event_id": "a", "id": "y"}),
        ({"metadata": {"event_id": "a"}}, {"event_id": "a"}),
        (
            {"event_id": "", "metadata": {"event_id": "a"}, "id": "x"},
            {"metadata": {"event_id": "a"}, "id": "y"},
        ),
        ({"event_id": None, "id": "a"}, {"id": "a"}),
        ({"id": 17}, {"id": "17"}),
    ],
)
def test_which_id_is_the_callers(organisation, first, second):
    """`event_id` comes before `metadata.event_id`, that before `id`; null and "" are absent."""
    event = without(FLAT, "event_id")
    assert organisation.api.event(**event, **first)["status"] == "processed"
    assert organisation.api.event(**event, **second)["status"] == "duplicate"


def test_ids_of_two_sources_are_two_events(organisation):
    """The dedupe key begins with the source, so sources may number their events alike."""
    event = without(FLAT, "event_id") | {"properties": {}}
    for source in ("east", "west"):
        answer = organisation.api.event(**event, metadata={"source": source, "event_id": "1"})
        assert answer["status"] == "processed"
        assert organisation.api.read(answer["event_id"])["source"] == source


def test_without_an_id_the_content_decides(organisation):
    """Without an id, the same user, event, time and properties are one event; other properties another."""
    event = without(FLAT, "event_id")
    assert organisation.api.event(**event)["status"] == "processed"
    assert organisation.api.event(**event)["status"] == "duplicate"
    assert organisation.api.event(**event | {"timestamp": 1772445600})["status"] == "duplicate"
    changed = {"properties": {**FLAT["properties"], "course_id": "124"}}
    assert organisation.api.event(**event | changed)["status"] == "processed"


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-02T10:00:00Z",
        "2026-03-02T11:00:00+01:00",
        1772445600,
        "1772445600",
        1772445600.0,
        "2026-03-02T11:00:00",
    ],
)
def test_times_in_every_spelling(make_organisation, timestamp):
    """RFC 3339, Unix seconds as number or digits, and a time without zone in the organisation's own."""
    organisation = make_organisation(timezone="Europe/Paris")
    answer = organisation.api.event("course.viewed", timestamp=timestamp)
    assert organisation.api.read(answer["event_id"])["timestamp"] == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event": "Course.Completed"}, "event"),
        ({"event": "completed"}, "event"),
        ({"event": "course.completed\n"}, "event"),
        ({"event": None}, "event"),
        ({"event": 5}, "event"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "x" * 256}, "user_id"),
        ({"user_id": "a/b"}, "user_id"),
        ({"user_id": " anna"}, "user_id"),
        ({"user_id": "an\tna"}, "user_id"),
        ({"user_id": "an\x00na"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "1999-12-31T23:59:59Z"}, "timestamp"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": 1e300}, "timestamp"),
        ({"properties": {"progress_pct": 101}}, "properties.progress_pct"),
        ({"properties": {"progress_pct": "80"}}, "properties.progress_pct"),
        ({"properties": {"time_on_task_sec": -1}}, "properties.time_on_task_sec"),
        ({"properties": {"time_on_task_sec": 1.5}}, "properties.time_on_task_sec"),
        ({"properties": {"note": "a\x00b"}}, "properties.note"),
        ({"properties": [1]}, "properties"),
        ({"metadata": "x"}, "metadata"),
        ({"event_id": {"a": 1}}, "event_id"),
        ({"event_id": "x" * 256}, "event_id"),
    ],
)
def test_a_faulty_field_is_named(organisation, change, field):
    """A 400 names the field at fault, in a batch too, and nothing is stored."""
    event = FLAT | change
    refused(organisation.api.post("/v1/events", event), field)
    answer = organisation.api.post("/v1/events/validate", event).json()
    assert answer["valid"] is False
    assert answer["errors"][0]["path"] == field
    batch = organisation.api.post("/v1/events/batch", {"events": [event]}).json()
    assert (batch["processed"], batch["failed"]) == (0, 1)
    assert field in batch["results"][0]["error"]
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_a_half_surrogate_is_refused(organisation):
    """Half of a surrogate pair, which UTF-8 can't write, is a 400 and never a 500."""
    body = b'{"event":"course.viewed","user_id":"a\\ud800","timestamp":1772445600}'
    response = organisation.api.request("POST", "/v1/events", content=body)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_payload"


def test_the_future_is_refused_beyond_a_day(organisation):
    """A time up to 24 hours ahead is believed, one beyond that is not."""
    now = datetime.now(UTC)
    near, far = now + timedelta(hours=23), now + timedelta(hours=25)
    assert organisation.api.event("course.viewed", timestamp=near.isoformat())["status"] == "processed"
    refused(organisation.api.post("/v1/events", FLAT | {"timestamp": far.isoformat()}), "timestamp")


def test_unknown_properties_are_kept(organisation):
    """Properties that nobody knows are stored as they came; absent ones aren't."""
    given = {"colour": "green", "nested": {"deep": [1, None, {"x": True}]}, "empty": "", "nothing": None}
    answer = organisation.api.event("course.viewed", properties=given)
    stored = organisation.api.read(answer["event_id"])["properties"]
    assert stored == {"colour": "green", "nested": {"deep": [1, None, {"x": True}]}}


def test_an_event_without_rule_is_processed(organisation):
    """An event that no rule hears is stored as processed, with no decisions and no points."""
    answer = organisation.api.event("garden.watered")
    assert (answer["status"], answer["points_awarded"], answer["decisions"]) == ("processed", 0, [])


def test_validate_stores_nothing(organisation):
    """A valid event is called valid and isn't stored; several faults are all named."""
    assert organisation.api.post("/v1/events/validate", FLAT).json() == {"valid": True, "errors": []}
    faulty = organisation.api.post("/v1/events/validate", {"event": "x", "timestamp": "y"}).json()
    assert {fault["path"] for fault in faulty["errors"]} == {"event", "user_id", "timestamp"}
    assert organisation.api.post("/v1/events/validate", [1]).json()["valid"] is False
    assert organisation.api.get("/v1/events").json()["events"] == []


@pytest.mark.parametrize("path", ["/v1/events/batch", "/api/events/batch"])
def test_a_batch_reports_bad_items_and_takes_the_rest(organisation, path):
    """New events, duplicates and bad ones each have their result, by index; the rest isn't harmed."""
    organisation.api.event(**FLAT)
    batch = [
        FLAT,
        FLAT | {"event_id": "evt-2", "properties": {"course_id": "9"}},
        FLAT | {"event_id": "evt-3", "user_id": ""},
        "nonsense",
        FLAT | {"event_id": "evt-2"},
        CANONICAL | {"user": {"id": "ben"}, "trace": {"lms_event_id": "evt-9"}},
    ]
    response = organisation.api.post(path, {"events": batch})
    assert response.status_code == 200
    answer = response.json()
    assert {name: answer[name] for name in ("processed", "duplicates", "failed", "points_awarded")} == {
        "processed": 2,
        "duplicates": 2,
        "failed": 2,
        "points_awarded": 100,
    }
    results = answer["results"]
    assert [result["index"] for result in results] == list(range(6))
    assert [result["status"] for result in results] == [
        "duplicate",
        "processed",
        "failed",
        "failed",
        "duplicate",
        "processed",
    ]
    assert "user_id" in results[2]["error"]
    assert results[3]["event_id"] is None
    assert results[4]["event_id"] == results[1]["event_id"]
    assert organisation.api.points("ben") == 50


def test_a_batch_of_bad_events_has_a_short_answer(organisation):
    """A few errors are said of each bad event, those of a thousand events in all; the rest is counted."""
    bad = FLAT | {"properties": {f"{'x' * 99}{number}": 2**70 for number in range(50)}}
    answer = organisation.api.post("/v1/events/batch", {"events": [bad | {"n": 1}] * 1_200})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["processed"], body["failed"], body["errors_left_out"]) == (0, 1_200, 200)
    assert body["results"][999]["error"].count("64 bits") == 8
    assert "validate" in body["results"][1_000]["error"]
    assert len(answer.content) < 3_000_000
    short = organisation.api.post("/v1/events/batch", {"events": [{"event": "x"}]}).json()
    assert "errors_left_out" not in short


@pytest.mark.parametrize(
    "body",
    [{"events": []}, {"events": [{}] * 10_001}, {"events": {}}, {}, [], {"events": None}],
    ids=["none", "too many", "an object", "no field", "an array", "null"],
)
def test_a_batch_has_one_to_ten_thousand_events(organisation, body):
    """None, too many, or no list at all: 400 that names `events`."""
    refused(organisation.api.post("/v1/events/batch", body), "events")


def test_ten_thousand_events_in_one_batch(organisation):
    """A full batch is taken whole: each learner's course is awarded once."""
    events = [
        FLAT | {"user_id": f"learner-{number % 500}", "event_id": f"e-{number}"} for number in range(10_000)
    ]
    answer = organisation.api.post("/v1/events/batch", {"events": events}).json()
    assert (answer["processed"], answer["failed"], answer["points_awarded"]) == (10_000, 0, 500 * 50)
    assert organisation.api.points("learner-499") == 50


def test_a_number_that_cannot_be_kept_fails_alone(organisation):
    """A number beyond what columns hold fails its item, not its neighbours; one beyond JSON is a 400."""
    event = '{"event":"course.viewed","user_id":"a","timestamp":1772445600,"properties":{"n":%s}}'
    items = ",".join(event % number for number in ("1", "9" * 400))
    response = organisation.api.request("POST", "/v1/events/batch", content=f'{{"events":[{items}]}}')
    assert response.status_code == 200, response.text
    assert (response.json()["processed"], response.json()["failed"]) == (1, 1)
    response = organisation.api.request("POST", "/v1/events", content=event % "1e400")
    assert response.status_code == 400


def test_external_ids_make_one_person(organisation):
    """`user.external_ids` link a platform's learner to the same person."""
    person = {"id": "anna", "external_ids": {"moodle": "77"}}
    organisation.api.post("/v1/events", CANONICAL | {"user": person})
    assert organisation.api.points("moodle:77") == organisation.api.points("anna") == 50
