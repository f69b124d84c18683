"""Traces of somebody in what is about others: found in bounded pieces, and nothing else is touched."""

from __future__ import annotations

import pytest

from rocket_server.people import erasure
from rocket_server.people.erasure import Needles


def test_a_sweep_goes_on_where_it_stopped(organisation, portal, store, owner, monkeypatch):
    """Piece by piece, over several calls, each row is looked at; the needles are forgotten in the end."""
    monkeypatch.setattr(erasure, "_ROWS_AT_ONCE", 3)
    for number in range(10):
        properties = {"attempt_id": str(number), "graded_by": "teacher-anna" if number % 3 == 0 else "x"}
        organisation.api.event("quiz.completed", "ben", properties=properties, event_id=f"e{number}")
        body = {"user_id": "ben", "points": 1, "reason": f"thanks to teacher-anna, {number}"}
        assert organisation.api.post("/v1/points/award", body).status_code == 200
    owner.execute(
        "INSERT INTO erasures (organisation_id, learner_id, needles, started_at)"
        " VALUES ($1, gen_random_uuid(), '{teacher-anna}', now())",
        organisation.organisation_id,
    )

    async def sweep():
        return await erasure.sweep(store, organisation.organisation_id, 1)

    calls = 1
    while portal.call(sweep):
        calls += 1
    assert calls >= 10
    events = organisation.api.get("/v1/users/ben/events").json()["events"]
    graded = [event["properties"]["graded_by"] for event in reversed(events)]
    assert graded == ["[anonymised]" if number % 3 == 0 else "x" for number in range(10)]
    history = organisation.api.get("/v1/users/ben/ledger").json()["entries"]
    assert {entry["reason"] for entry in history if entry["rule_id"] is None} == {"[anonymised]"}
    (row,) = owner.fetch(
        "SELECT needles, finished_at FROM erasures WHERE organisation_id = $1", organisation.organisation_id
    )
    assert row["needles"] == []
    assert row["finished_at"] is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mail to Anna@Example.org!", "[anonymised]"),
        ("anna", "[anonymised]"),
        ("hanna", "hanna"),
        ("4711", "4711"),
        (["moodle:8774", 8774], ["[anonymised]", 8774]),
        ({"anna": {"note": "by Anna Berg-Low"}}, {"[anonymised]": {"note": "[anonymised]"}}),
        ({"course_id": "4711", "n": None}, {"course_id": "4711", "n": None}),
    ],
)
def test_only_texts_that_name_the_person_are_replaced(value, expected):
    """Addresses, full names and long ids anywhere, short ids only as a whole, bare numbers never."""
    needles = Needles(["anna", "4711", "moodle:8774", "anna@example.org", "Anna Berg-Low"])
    assert needles.removed_from(value) == expected
