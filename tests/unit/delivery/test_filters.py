"""What filters of a webhook let pass."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server.delivery import filters
from rocket_server.delivery.outbox import Endpoint, Message
from rocket_server.events.model import Event

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
EVENT = Event(
    event="quiz.completed",
    source="moodle",
    user_id="anna",
    occurred_at=NOW,
    properties={"course_id": "12", "score": 81, "points_awarded": "none of ours"},
    metadata={"region": "north"},
    dedupe_key=b"",
)
ROW = {
    "event": "quiz.completed",
    "source": "moodle",
    "user_id": "anna",
    "occurred_at": NOW,
    "properties": {"course_id": "12", "score": 81},
    "metadata": {"region": "north"},
    "points_awarded": 5,
}
BODY = {
    "user_id": "anna",
    "timestamp": "2026-03-02T10:00:00Z",
    "properties": {"course_id": "12", "score": 81},
    "metadata": {"region": "north"},
    "points_awarded": 5,
}
VIEWS = {
    "an event that is stored now": Message("e", EVENT.event, learned=EVENT, points=5).view(NOW),
    "an event that was stored": filters.view_of_stored(ROW),
    "a message": Message("e", "quiz.completed", BODY).view(NOW),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize(
    ("written", "passes"),
    [
        ({"properties.course_id": {"in": ["12"]}, "points_awarded": {"gt": 0}}, True),
        ({"properties.course_id": {"in": ["13"]}}, False),
        ({"course_id": "12"}, True),
        ({"points_awarded": {"gte": 6}}, False),
        ({"points_awarded": 5}, True),
        ({"event": {"starts_with": "quiz."}}, True),
        ({"user_id": {"ne": "anna"}}, False),
        ({"timestamp": {"gte": "2026-03-02T10:00:00Z", "lt": "2026-03-02T10:00:01Z"}}, True),
        ({"metadata.region": "north"}, True),
        ({"metadata.region": "south"}, False),
        ({"any": [{"score": {"gt": 90}}, {"score": {"gt": 80}}]}, True),
        ({"not": {"score": {"gt": 80}}}, False),
        ({"properties.colour": {"exists": False}}, True),
    ],
    ids=str,
)
def test_filters_see_what_the_body_says(view, written, passes):
    """The same filters give the same answer for an event at once, one recovered later, and a message."""
    found = filters.compile_filters(written, UTC)
    assert found is not None
    assert found(view) is passes
    assert Endpoint("e", frozenset(["*"]), found).takes(view) is passes


def test_the_source_is_the_events_own():
    """An event has the source that sent it; what the server tells of itself comes from `rocket`."""
    found = filters.compile_filters({"source": "moodle"}, UTC)
    assert [found(view) for view in VIEWS.values()] == [True, True, False]
    assert filters.compile_filters({"source": "rocket"}, UTC)(VIEWS["a message"])


def test_no_filters_cost_nothing():
    """Without filters there is no closure to ask, and every event of the patterns passes."""
    assert filters.compile_filters({}, UTC) is None
    assert Endpoint("e", frozenset(["quiz.*"])).takes(VIEWS["a message"])
    assert not Endpoint("e", frozenset(["course.*"])).takes(VIEWS["a message"])


def test_times_without_an_offset_are_the_organisations():
    """Midnight in Paris is eleven in the evening in UTC."""
    found = filters.compile_filters({"timestamp": {"gte": "2026-03-02T11:00:00"}}, ZoneInfo("Europe/Paris"))
    assert found(VIEWS["an event that was stored"])
    assert not filters.compile_filters({"timestamp": {"gte": "2026-03-02T11:00:00"}}, UTC)(
        VIEWS["an event that was stored"]
    )


def test_faulty_filters_are_named_and_not_compiled():
    """Each fault has its path; what can't be understood is never taken for something that lets all pass."""
    written = {"score": {"above": 3}, "any": []}
    assert [fault.path for fault in filters.faults(written)] == ["filters.score.above", "filters.any"]
    with pytest.raises(ValueError, match=r"filters\.score"):
        filters.compile_filters(written, UTC)


def test_dear_filters_weigh_more():
    """What filters cost decides how many events share a transaction; patterns cost by their length."""
    plain = filters.weight({"course_id": "1", "any": [{"score": 1}, {"score": {"gte": 2}}]})
    assert plain == 3
    assert filters.weight({"title": {"matches": "(?:[a-z]{1,30}){20}"}}) > 100
