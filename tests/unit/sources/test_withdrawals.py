"""What events state about one thing, and what withdraws it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rocket_server.catalogue import load
from rocket_server.events.model import Event
from rocket_server.sources.withdrawals import Withdrawals, is_module

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(name: str, source: str = "moodle", completion: Any = None, **properties: Any) -> Event:
    return Event(name, source, "anna", NOON, properties, {}, b"", completion=completion)


CATALOGUE = Withdrawals(
    load(), {"lms": {"withdraws": {"note.gone": {"event": "note.made", "by": "note_id"}}}}
)


@pytest.mark.parametrize(
    ("made", "withdrawn"),
    [
        (event("forum.posted", object_id="7"), event("forum.post_deleted", object_id="7")),
        (event("forum.posted", object_id="7"), event("forum.post_deleted", object_id=7)),
        (
            event("quiz.completed", attempt_id="7"),
            event("quiz.attempt_deleted", attempt_id="7", object_id="9"),
        ),
        (
            event("assignment.submitted", object_id="7", module="assign"),
            event("assignment.status_changed", object_id="7", module="assign", newstatus="draft"),
        ),
        (event("note.made", "lms", note_id="n"), event("note.gone", "lms", note_id="n")),
        (
            event("lesson.completed", completion="completed", lesson_id="1"),
            event("lesson.reopened", completion="reopened", lesson_id="1"),
        ),
    ],
)
def test_both_state_the_same_thing(made: Event, withdrawn: Event):
    """What is made stands, what withdraws it says that it doesn't, and both name one subject."""
    first, second = CATALOGUE.stated(made), CATALOGUE.stated(withdrawn)
    assert first is not None
    assert second is not None
    assert first.subject == second.subject
    assert (first.state, second.state) == ("completed", "reopened")
    assert is_module(first) is (made.completion is not None)


@pytest.mark.parametrize(
    "other",
    [
        event("forum.post_deleted", object_id="8"),
        event("forum.post_deleted", object_id="7", module="hsuforum"),
        event("forum.discussion_deleted", object_id="7"),
    ],
)
def test_other_things_are_other_subjects(other: Event):
    """Another object, another kind of module and another kind of thing are none of a post's business."""
    post, stated = CATALOGUE.stated(event("forum.posted", object_id="7")), CATALOGUE.stated(other)
    assert post is not None
    assert stated is not None
    assert post.subject != stated.subject


@pytest.mark.parametrize(
    "silent",
    [
        event("course.completed", object_id="7"),
        event("forum.posted"),
        event("forum.post_deleted", object_id=""),
        event("assignment.status_changed", object_id="7", newstatus="submitted"),
        event("assignment.status_changed", object_id="7"),
        event("note.gone", "other", note_id="n"),
        event("lesson.completed", lesson_id="1"),
    ],
)
def test_what_states_nothing(silent: Event):
    """An event that isn't about a thing, doesn't say which, or means another state, states nothing."""
    assert CATALOGUE.stated(silent) is None


def test_long_values_are_short_subjects():
    """A subject fits into an index, however long the value is that names it."""
    stated = CATALOGUE.stated(event("forum.posted", object_id="x" * 5_000, module="m" * 5_000))
    assert stated is not None
    assert len(stated.subject) < 500
