"""What badges' criteria cost an event."""

from __future__ import annotations

from datetime import UTC

from rocket_server.badges.criteria import Thresholds
from rocket_server.badges.model import Badge
from rocket_server.badges.parse import parse_criteria


def badge(number: int, event: str) -> Badge:
    """A badge for three events of one course."""
    count = {"event": event, "count": 3, "conditions": {"course_id": str(number)}}
    return Badge(f"b{number}", "Badge", "", criteria=parse_criteria({"events": [count]}))


def test_criteria_weigh_by_the_event_that_most_of_them_hear():
    """Criteria about other events cost nothing; those about one event add up."""
    few = Thresholds([badge(1, "quiz.completed"), badge(2, "forum.posted")], UTC)
    assert few.weight == 2
    assert Thresholds([badge(number, "quiz.completed") for number in range(50)], UTC).weight == 100
    assert Thresholds([], UTC).weight == 0
