"""Events that are read again after something was mended: their meaning may change, their time doesn't."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from support.organisation import Hook

MAPPING = {
    "event": {"from": "$.type", "table": {"done": "course.completed"}},
    "user_id": "$.who",
    "event_id": "$.number",
    "properties": {"course_id": "$.course"},
}


def custom(organisation, mappings: dict[str, Any]) -> tuple[Hook, str]:
    """A source of a custom platform, and its path in the API."""
    answer = organisation.api.post("/v1/sources", {"kind": "custom", "name": "lms", "mappings": mappings})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    hook = Hook(made["source_id"], "lms", "custom", made["slug"], made["token"])
    return hook, f"/v1/sources/{made['source_id']}"


def send(organisation, hook: Hook, **fields: Any) -> str:
    return organisation.hook(json.dumps(fields), hook).json()["event_id"]


def test_an_event_without_a_time_keeps_the_day_on_which_it_came(make_organisation, owner, adds_up):
    """Events of three weeks, mapped late, count each on its own day, as the ledger's proof has them."""
    organisation = make_organisation()
    organisation.api.post(
        "/v1/rules",
        {
            "rule_id": "daily",
            "trigger": "lesson.watched",
            "actions": {"award_points": 7},
            "constraints": {"max_per_day": 1},
        },
    )
    hook, path = custom(organisation, MAPPING)
    ids = [send(organisation, hook, type="watched", who="anna", number=number) for number in (1, 2, 3)]
    for weeks, event_id in enumerate(ids, 1):
        owner.execute(
            "UPDATE events SET occurred_at = occurred_at - $2::interval,"
            " received_at = received_at - $2::interval WHERE event_id = $1",
            event_id,
            timedelta(weeks=weeks),
        )
    times = [organisation.api.read(event_id)["timestamp"] for event_id in ids]
    table = {"done": "course.completed", "watched": "lesson.watched"}
    mended = MAPPING | {"event": {"from": "$.type", "table": table}}
    assert organisation.api.patch(path, {"mappings": mended}).status_code == 200
    for _ in range(2):
        for event_id, before in zip(ids, times, strict=True):
            assert organisation.api.post(f"/v1/events/{event_id}/retry").status_code == 200
            event = organisation.api.read(event_id)
            assert (event["status"], event["points_awarded"]) == ("processed", 7), event
            assert event["timestamp"] == before
    assert organisation.api.points("lms:anna") == 21
    marked = owner.fetch(
        "SELECT DISTINCT occurred_at FROM award_marks WHERE organisation_id = $1 AND rule_id = 'daily'",
        organisation.organisation_id,
    )
    assert len(marked) == 3
    adds_up(organisation)


def test_an_event_that_nobody_knew_has_the_time_that_it_brought(organisation):
    """Where the mapping finds a time, an event without a name has it from the beginning."""
    hook, _ = custom(organisation, MAPPING | {"timestamp": "$.at"})
    event_id = send(organisation, hook, type="watched", who="anna", number=1, at="2026-01-05T10:00:00Z")
    assert organisation.api.read(event_id)["timestamp"] == "2026-01-05T10:00:00Z"
    no_time = send(organisation, hook, type="watched", who="anna", number=2, at="soon")
    received = organisation.api.read(no_time)
    assert "2026-01-06" < received["timestamp"] <= received["received_at"]


def test_another_time_zone_moves_no_stored_event(organisation, adds_up):
    """A time without an offset was the organisation's when it came; a new zone doesn't move it."""
    mapping = MAPPING | {"timestamp": "$.at"}
    hook, _ = custom(organisation, mapping)
    event_id = send(
        organisation, hook, type="done", who="anna", number=1, course="c", at="2026-01-05T23:30:00"
    )
    assert organisation.api.patch("/v1/organisation", {"timezone": "Asia/Tokyo"}).status_code == 200
    assert organisation.api.post(f"/v1/events/{event_id}/retry").status_code == 200
    assert organisation.api.read(event_id)["timestamp"] == "2026-01-05T23:30:00Z"
    adds_up(organisation)
