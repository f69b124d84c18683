"""The two formats of a body, as the contract has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from rocket_server.delivery.bodies import render
from rocket_server.delivery.model import Fact

FACT = Fact(
    "acme",
    "0190a000-0000-7000-8000-000000000001",
    "0190a000-0000-7000-8000-000000000002",
    "course.completed",
    "anna",
    datetime(2026, 3, 2, 11, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1))),
    {"course_id": "7", "title": "Größe"},
    50,
)


def test_rocket():
    """Flat, with the time in UTC and the id of the event."""
    assert json.loads(render(FACT, "rocket")) == {
        "id": "0190a000-0000-7000-8000-000000000002",
        "event": "course.completed",
        "user_id": "anna",
        "timestamp": "2026-03-02T10:00:00.123456Z",
        "properties": {"course_id": "7", "title": "Größe"},
        "points_awarded": 50,
    }


def test_assessment():
    """With tenant, organisation and learner as the context, and the time in milliseconds."""
    assert json.loads(render(FACT, "assessment")) == {
        "name": "course.completed",
        "context": {
            "tenantId": "acme",
            "organisationId": "0190a000-0000-7000-8000-000000000001",
            "userId": "anna",
        },
        "data": {"course_id": "7", "title": "Größe", "points_awarded": 50},
        "timestamp": "2026-03-02T10:00:00.123Z",
        "id": "0190a000-0000-7000-8000-000000000002",
    }


def test_what_gives_no_points_says_nothing_of_them():
    """The data of a test that was published are its own, and whole seconds have milliseconds too."""
    published = Fact(
        "acme", "o", "e", "test.published", None, datetime(2026, 3, 2, tzinfo=UTC), {"testId": "t"}, None
    )
    body = json.loads(render(published, "assessment"))
    assert body["data"] == {"testId": "t"}
    assert body["timestamp"] == "2026-03-02T00:00:00.000Z"
    assert json.loads(render(published, "rocket"))["timestamp"] == "2026-03-02T00:00:00Z"


def test_a_body_is_the_same_in_every_try():
    """Its bytes depend on nothing but the fact, so a signature can be compared."""
    assert render(FACT, "rocket") == render(FACT, "rocket")
