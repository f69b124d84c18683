"""Ids that mean nothing, that nobody sees, or that are written in two ways."""

from __future__ import annotations

import json

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
    """Words inside an id, zeros with company and a GUID in braces are ids like any other."""
    ids = ["null-1", "nonesuch", "00", "0.5", "{6B29FC40-CA47-1067-B31D-00DD010662DA}", "truex"]
    ids += [
        "{AB29FC40-CA47-1067-B31D-00DD010662DA}",
        "nil-null-1",
        "%x",
        "00000000-0000-0000-0000-000000000001",
    ]
    batch = [event(event_id=one, user_id=f"nan-{number}") for number, one in enumerate(ids)]
    answer = organisation.api.post("/v1/events/batch", {"events": batch}).json()
    assert (answer["processed"], answer["failed"]) == (len(ids), 0), answer


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
