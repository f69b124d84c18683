"""Which endpoint wants which event, and under which id it is told."""

from __future__ import annotations

import uuid

import pytest

from rocket_server.delivery.outbox import Endpoint, delivery_id
from rocket_server.ids import uuid7, uuid7s


@pytest.mark.parametrize(
    ("patterns", "event", "wanted"),
    [
        (["*"], "quiz.completed", True),
        (["*"], "points.awarded", True),
        (["*"], "endpoint.failing", False),
        (["*"], "delivery.exhausted", False),
        (["*", "endpoint.*"], "endpoint.failing", True),
        (["endpoint.failing"], "endpoint.failing", True),
        (["quiz.*"], "quiz.completed", True),
        (["quiz.*"], "quizzes.completed", False),
        (["quiz.completed"], "quiz.completed", True),
        (["quiz.completed"], "quiz.started", False),
    ],
)
def test_patterns(patterns, event, wanted):
    """A name means itself, `domain.*` all of a domain, `*` everything but what the server says of itself."""
    assert Endpoint("e", frozenset(patterns)).wants(event) is wanted


def test_an_event_has_one_id_at_an_endpoint():
    """The id depends on event and endpoint alone, and is a UUID of version 8."""
    event, endpoint, other = uuid7(), uuid7(), uuid7()
    made = delivery_id(event, endpoint)
    assert made == delivery_id(event, endpoint)
    assert len({made, delivery_id(event, other), delivery_id(other, endpoint)}) == 3
    assert str(uuid.UUID(made)) == made
    assert uuid.UUID(made).version == 8
    assert uuid.UUID(made).variant == uuid.RFC_4122


def test_ids_sort_by_the_time_of_their_events():
    """The first 48 bits are those of the event: its milliseconds."""
    endpoint = uuid7()
    assert all(delivery_id(event, endpoint)[:13] == event[:13] for event in uuid7s(100))
