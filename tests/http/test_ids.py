"""Ids that mean nothing, that nobody sees, or that are written in two ways."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

NO_VALUES = [
    *("undefined", "null", "NULL", "None", "nil", "NaN", "[object Object]", "[object Undefined]"),
    *("true", "False", "(null)", "<null>", "{id}", "{{user.id}}", "${user_id}"),
    *("'undefined'", '"null"', "[null]", "undefined-undefined", "null_null", "none:nil"),
    *("Infinity", "-Infinity", "{}", "[]", "''", '""'),
    *("{userId1}", "{user-id}", "{{id|default}}", "#{id}", "%7B%7Bid%7D%7D", "<user_id>", "$user_id", "%s"),
    *("00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "0" * 32),
]
NO_EVENTS = [
    *("0", 0, 0.0, "-0", " undefined ", "\tnull", "null\n", "n/a", "\u200bundefined"),
    *("\uff4e\uff55\uff4c\uff4c", "\uff10"),  # null and 0, in wide signs
    *("  ", "\t", "\u200b", "\u3000 \ufeff"),  # nothing that anybody sees
    *("event-undefined", "evt_null", "lms:None", "x/undefined", "user-31-NaN", "31:null", "event-{id}"),
    *("undefined:1", "null-31", "evt:${event.id}:2", "evt-%7Bid%7D", "a-[object Object]", "event-", "lms:"),
    *("-", "::", "unknown", "Unknown", True, False, [], {"id": 1}),
]
INVISIBLE = ["anna\u200b", "\ufeffanna", "an\u00adna", "anna\u2066", "an\u3164na", "anna\U000e0041"]


def event(user_id="anna", **fields):
    return {
        "event": "assignment.submitted",
        "user_id": user_id,
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {"object_id": "1"},
        **fields,
    }


@pytest.mark.parametrize(
    "value",
    [*NO_VALUES, *NO_EVENTS],
)
@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("event_id", lambda value: {"event_id": value}),
        ("metadata.event_id", lambda value: {"metadata": {"event_id": value}}),
        ("id", lambda value: {"id": value}),
        ("trace.lms_event_id", lambda value: {"trace": {"lms_event_id": value}}),
    ],
)
def test_an_event_id_that_means_nothing_is_refused(organisation, value, field, sent):
    """What a program writes for no value isn't an id: 400 names the field, and nothing is stored."""
    response = organisation.api.post("/v1/events", event(**sent(value)))
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_in_a_batch_only_those_without_a_real_id_fail(organisation):
    """Events of two learners that were sent as `undefined` fail by name; the one with an id counts."""
    batch = [
        event("anna", event_id="undefined"),
        event("ben", event_id="undefined"),
        event("cleo", event_id="7"),
    ]
    answer = organisation.api.post("/v1/events/batch", {"events": batch}).json()
    assert [result["status"] for result in answer["results"]] == ["failed", "failed", "processed"]
    assert (answer["processed"], answer["failed"], answer["points_awarded"]) == (1, 2, 15)
    assert all(result["error"].startswith("event_id: ") for result in answer["results"][:2])


def test_what_only_resembles_such_an_id_is_taken(organisation):
    """Words of people and of things, zeros with company and a GUID in braces are ids like any other."""
    ids = ["null-safety-1", "undefined-behaviour-quiz-31", "31:lesson:teil-null", "31-none", "7-li-nan"]
    ids += ["V1StGXR8_Z5jdHi6B-my_", "qWErtYuiO-"]
    ids += [
        "none-of-the-above-4",
        "unknown-1",
        "e-{6B29FC40-CA47-1067-B31D-00DD010662DA}",
        "nonesuch",
        "00",
        "0.5",
        "{6B29FC40-CA47-1067-B31D-00DD010662DA}",
        "truex",
    ]
    ids += [
        "{AB29FC40-CA47-1067-B31D-00DD010662DA}",
        "nil-null-1",
        "%x",
        "00000000-0000-0000-0000-000000000001",
    ]
    batch = [event(event_id=one, user_id=f"nan-{number}") for number, one in enumerate(ids)]
    answer = organisation.api.post("/v1/events/batch", {"events": batch}).json()
    assert (answer["processed"], answer["failed"]) == (len(ids), 0), answer


@pytest.mark.parametrize("value", ["undefined", "event-null", "null-31", "0", "unknown"])
def test_an_idempotency_key_that_many_requests_would_have_is_refused(organisation, value):
    """A key that lacks the part that is this request's own: 400, and nothing is given."""
    award = {"user_id": "anna", "points": 5, "reason": "r"}
    response = organisation.api.post("/v1/points/award", award, headers={"Idempotency-Key": value})
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "Idempotency-Key"


NO_THINGS = ["undefined", "null", "None", "NaN", "[object Object]", "{course_id}", " ", "moodle:null"]


def test_a_course_that_means_nothing_is_no_course(organisation):
    """Courses named by words for no value are those without an id: one cap, no board, no badge by courses;
    the event counts, and says what was left out."""
    api = organisation.api
    for number, value in enumerate([None, *NO_THINGS]):
        sent = {"event": "course.completed", "event_id": f"e{number}", "properties": {"course_id": value}}
        answer = api.post("/v1/events", event(**sent)).json()
        assert (answer["status"], answer["points_awarded"]) == ("processed", 0 if number else 50), value
        read = api.read(answer["event_id"])
        assert read["properties"] == {}
        if number:
            assert read["metadata"]["notes"] == [
                f"course_id was left out: {value!r} is what a program writes for no value."
            ]
            assert api.get(f"/v1/leaderboard?course={quote(value)}").json()["standings"] == []
    assert api.points("anna") == 50
    real = event(event="course.completed", event_id="real", properties={"course_id": "null-safety"})
    assert api.post("/v1/events", real).json()["points_awarded"] == 50


@pytest.mark.parametrize("name", ["section_id", "lesson_id", "quiz_id", "attempt_id", "object_id"])
def test_any_thing_that_means_nothing_is_left_out(organisation, name):
    """Every property that names a thing is read alike, in both spellings."""
    first = organisation.api.post("/v1/events", event(properties={name: "undefined"})).json()
    assert organisation.api.read(first["event_id"])["properties"] == {}
    canonical = {
        "event": "course.completed",
        "occurred_at": "2026-03-02T10:00:00Z",
        "user": {"id": "anna"},
        "context": {"lesson": {"id": "None"}, "course": {"id": "7"}},
    }
    second = organisation.api.post("/v1/events", canonical).json()
    assert organisation.api.read(second["event_id"])["properties"] == {"course_id": "7"}


@pytest.mark.parametrize("value", [*NO_VALUES, "moodle:undefined", *INVISIBLE])
def test_a_learner_id_that_means_nothing_is_refused_everywhere(organisation, value):
    """Events, points, badges, new learners, further identities and external ids: 400 names the field."""
    api = organisation.api
    assert api.post("/v1/users", {"user_id": "known"}).status_code == 201
    sent = [
        ("user_id", api.post("/v1/events", event(value))),
        ("user_id", api.post("/v1/points/award", {"user_id": value, "points": 1, "reason": "r"})),
        ("user_id", api.post("/v1/badges/award", {"user_id": value, "badge_id": "quiz_master"})),
        ("user_id", api.post("/v1/users", {"user_id": value})),
        ("identities[0]", api.post("/v1/users", {"user_id": "new", "identities": [value]})),
        ("external_ids.crm", api.post("/v1/users", {"user_id": "new", "external_ids": {"crm": value}})),
        ("identities[0]", api.post("/v1/users/known/identities", {"identities": [value]})),
        ("add_identities[0]", api.patch("/v1/users/known", {"add_identities": [value]})),
    ]
    canonical = {
        "event": "course.completed",
        "occurred_at": "2026-03-02T10:00:00Z",
        "user": {"id": "known", "external_ids": {"crm": value}},
    }
    sent.append(("user.external_ids.crm", api.post("/v1/events", canonical)))
    for field, response in sent:
        assert response.status_code == 400, (field, response.text)
        assert response.json()["details"]["field"] == field
    users = api.get("/v1/users").json()["users"]
    assert [(user["user_id"], user["identities"]) for user in users] == [("known", ["known"])]


def test_two_forms_of_one_letter_are_one_learner(organisation):
    """é as one character and as e with an accent is the same identity, in events, points and reads."""
    api = organisation.api
    composed, combining = "ren\u00e9", "rene\u0301"
    batch = [event(composed, event_id="1"), event(combining, event_id="2", properties={"object_id": "2"})]
    assert api.post("/v1/events/batch", {"events": batch}).json()["points_awarded"] == 30
    api.post("/v1/points/award", {"user_id": combining, "points": 5, "reason": "r"})
    for spelling in (composed, combining):
        answer = api.get(f"/v1/users/{spelling}/balance").json()
        assert (answer["user_id"], answer["points"]) == (composed, 35)
    assert len(api.get("/v1/users").json()["users"]) == 1
    assert api.post("/v1/users", {"user_id": combining}).status_code == 409


def test_a_mapping_that_finds_no_value_in_words_is_told_where(organisation):
    """A custom platform that sends `undefined` and `[object Object]` reads where it did."""
    mappings = {"event": "assignment.submitted", "user_id": "$.who", "event_id": "$.nr"}
    made = organisation.api.post(
        "/v1/sources", {"kind": "custom", "name": "acme", "mappings": mappings}
    ).json()
    for body, field in (
        ({"who": "undefined", "nr": 1}, "$.who"),
        ({"who": 7, "nr": "[object Object]"}, "$.nr"),
    ):
        response = organisation.api.request(
            "POST",
            "/api/public/hook/custom/event",
            content=json.dumps(body),
            headers={"Authorization": f"Bearer {made['token']}"},
        )
        assert response.status_code == 400
        assert response.json()["details"]["field"] == field


def test_an_event_that_can_not_be_read_any_more_is_ignored_with_the_reason(organisation):
    """Run again under a mapping that finds no id, an event says so, and what it had given is taken back."""
    api = organisation.api
    mappings = {"event": "assignment.submitted", "user_id": "$.who", "event_id": "$.nr"}
    made = api.post("/v1/sources", {"kind": "custom", "name": "acme", "mappings": mappings}).json()
    taken = api.request(
        "POST",
        "/api/public/hook/custom/event",
        content=json.dumps({"who": "7", "nr": 1, "other": "undefined"}),
        headers={"Authorization": f"Bearer {made['token']}"},
    ).json()
    assert taken["points_awarded"] == 15
    mappings["user_id"] = "$.other"
    assert api.patch(f"/v1/sources/{made['source_id']}", {"mappings": mappings}).status_code == 200
    again = api.post(f"/v1/events/{taken['event_id']}/retry").json()
    assert again["status"] == "ignored"
    assert again["reason"].startswith("unreadable: $.other: must name one learner")
    assert api.points("acme:7") == 0


@pytest.mark.parametrize("key", ["undefined", "null", "[object_Object]", "{id}", "0"])
def test_an_idempotency_key_that_means_nothing_is_refused(organisation, key):
    """With such a key the second award would be taken for a repetition of the first; 400 names the header."""
    award = {"user_id": "anna", "points": 5, "reason": "r"}
    key = key.replace("_", " ") if key.startswith("[") else key
    for path, body in (("/v1/points/award", award), ("/v1/courses/7/reset", {})):
        refused = organisation.api.post(path, body, headers={"Idempotency-Key": key})
        assert refused.status_code == 400, refused.text
        assert "Idempotency-Key" in refused.text
    assert organisation.api.get("/v1/users").json()["users"] == []
