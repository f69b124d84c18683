"""Custom platforms: lists of events in one body, and keys that a dotted path can't name."""

from __future__ import annotations

import json
from typing import Any

import pytest

MAPPING = {
    "event": {"from": '$["verb.id"]', "table": {"done": "course.completed"}},
    "user_id": '$.actor["http://example.org/account"].name',
    "event_id": "$.id",
    "timestamp": "$.at",
    "properties": {"course_id": "$.course"},
}


@pytest.fixture
def platform(organisation):
    """A custom source: sends a body, answers what it was answered."""
    made = organisation.api.post("/v1/sources", {"kind": "custom", "name": "lrs", "mappings": MAPPING})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}", "Content-Type": "application/json"}

    def send(body: Any) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return organisation.server.client.post(
            "/api/public/hook/custom/event", content=content, headers=headers
        )

    send.requests = f"/v1/sources/{made.json()['source_id']}/requests"
    return send


def done(number: int, who: str = "anna", course: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "verb.id": "done",
        "actor": {"http://example.org/account": {"name": who}},
        "id": number,
        "at": "2026-03-02T10:00:00Z",
        "course": course,
        **fields,
    }


def test_keys_with_dots_are_named_in_quotes(organisation, platform):
    """`$["a.b"]` and `$.a["b.c"].d` lead to keys that a dotted path can't name."""
    assert platform(done(1)).json()["points_awarded"] == 50
    assert organisation.api.points("lrs:anna") == 50


def test_each_item_of_a_list_is_an_event(organisation, platform, adds_up):
    """Good items are stored and answered one by one, bad ones said by index; sent again, they are known."""
    items = [
        done(1),
        done(2, "ben"),
        {"verb.id": "done", "id": 3},
        7,
        done(4, course="2"),
        {**done(5), "verb.id": "x"},
    ]
    answer = platform(items)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [
        "success",
        "success",
        "failed",
        "failed",
        "success",
        "ignored",
    ]
    assert [one["index"] for one in results] == list(range(6))
    assert "http://example.org/account" in results[2]["error"]
    assert answer.json()["points_awarded"] == 150
    assert organisation.api.points("lrs:anna") == 100
    again = platform(b"\xef\xbb\xbf \n" + json.dumps(items).encode()).json()
    assert [one["status"] for one in again["results"]].count("duplicate") == 4
    assert [one["event_id"] for one in again["results"]] == [one["event_id"] for one in results]
    logged = organisation.api.get(platform.requests).json()["requests"]
    assert [(one["status"], one["outcome"]) for one in logged] == [(200, "list"), (200, "list")]
    assert "[2]" in logged[0]["reason"]
    adds_up(organisation)


def test_a_list_of_one(platform):
    """A list of one event is a list, good or bad."""
    assert platform([done(1)]).json()["results"][0]["status"] == "success"
    assert platform([{}]).json()["results"][0]["status"] == "failed"


@pytest.mark.parametrize("body", [[], [done(1)] * 101, b"[", b"[1"])
def test_a_list_that_is_none(organisation, platform, body):
    """An empty list, one that is too long and one that is no JSON are refused and store nothing."""
    assert platform(body).status_code == 400
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_other_kinds_take_one_event(organisation):
    """Moodle's plugin sends one event in a body; a list is refused with what to do."""
    answer = organisation.hook("[{}]")
    assert answer.status_code == 400
    assert "one event" in answer.text
