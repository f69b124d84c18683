"""Events as they are given and as they travel."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from support.cases import cases, native, read

from rocket_learning.calls import Context, give_badge, move_points, track_batch
from rocket_learning.errors import ConfigurationError, ValidationError
from rocket_learning.schema import EventSchema
from rocket_learning.settings import settings_of

CLOCK = read("events")["clock"]


def context(ids: Iterator[str], **settings: Any) -> Context:
    """What calls are made with, at the cases' time and with the cases' ids."""
    return Context(
        settings_of(
            api_key="rk_test_key",
            environment="production",
            base_url=None,
            environ={},
            timeout_s=1,
            retry=None,
            breaker=None,
            clock=lambda: datetime.fromisoformat(CLOCK),
            new_id=lambda: next(ids),
            **settings,
        )
    )


def paths_of(work: Any) -> list[str]:
    """The paths of the ValidationError that `work` raises, or none."""
    try:
        work()
    except ValidationError as error:
        found = [one.path for one in error.errors]
        assert len(found) == len(set(found))
        return sorted(found)
    return []


@cases("events", "normalise")
def test_an_event_travels_as_the_cases_say(case: dict[str, Any]) -> None:
    """Spellings, times and ids get the form that is sent, and the caller's event isn't touched."""
    given = native(case["given"])
    before = copy.deepcopy(given)
    stamped, errors = context(iter(read("events")["ids"]), validate_events=False).stamped(given)
    assert (stamped, errors) == (case["wire"], [])
    assert given == before


@cases("events", "validate")
def test_errors_of_an_event_have_their_paths(case: dict[str, Any]) -> None:
    """Everything that is wrong with an event is named by its path, once."""
    made = context(iter(read("events")["ids"]))
    assert paths_of(lambda: made.checked(native(case["event"]))) == sorted(case["errors"])


@cases("events", "batch")
def test_a_batch_is_checked_as_a_whole(case: dict[str, Any]) -> None:
    """Errors in a batch carry the index, and a batch has 1 to 10,000 events."""
    events = case["events"] if "events" in case else [case["event"]] * case["times"]
    made = context(iter([f"id-{index}" for index in range(len(events))]))
    assert paths_of(lambda: track_batch(made, events)) == sorted(case["errors"])


def check_award(case: dict[str, Any], award: Any) -> None:
    """The body and the key, or the errors, that the case says."""
    if "errors" in case:
        assert paths_of(award) == sorted(case["errors"])
    else:
        call = award()
        assert json.loads(call.body) == case["wire"]
        assert call.headers["Idempotency-Key"] == case["idempotency_key"]


@cases("awards", "points")
def test_points_travel_as_the_cases_say(case: dict[str, Any]) -> None:
    """An award has its body and its idempotency key, or its errors."""
    made = context(iter(read("awards")["ids"]))

    given = native(case["given"])
    check_award(case, lambda: move_points(made, "/v1/points/award", given, case.get("key")))


@cases("awards", "badges")
def test_badges_travel_as_the_cases_say(case: dict[str, Any]) -> None:
    """An award of a badge has its body, or its errors."""
    made = context(iter(read("awards")["ids"]))
    check_award(case, lambda: give_badge(made, case["given"], case.get("key")))


@cases("schema", "cases")
def test_a_schema_of_ones_own_is_checked_too(case: dict[str, Any]) -> None:
    """The errors are those of the event schema and of the caller's."""
    made = context(iter(read("events")["ids"]))
    made.schema = EventSchema.read(case["schema"])
    assert paths_of(lambda: made.checked(native(case["event"]))) == sorted(case["errors"])


@cases("schema", "refused")
def test_a_schema_that_cant_be_meant_is_refused(case: dict[str, Any]) -> None:
    """A mistake in a schema is an error where it is set, and named."""
    with pytest.raises(ConfigurationError, match=re.escape(case["path"])):
        EventSchema.read(case["schema"])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (float("nan"), "properties.x"),
        ({"a": [1, {2}]}, "properties.x.a[1]"),
        ("\ud800", "properties.x"),
        (object(), "properties.x"),
    ],
)
def test_what_json_cant_say_is_an_error_of_the_field(value: Any, path: str) -> None:
    """A value that can't be sent is refused where it is given, not in the background."""
    made = context(iter(["id-1"]), validate_events=False)
    event = {"event": "course.completed", "user_id": "u", "properties": {"x": value}}
    assert paths_of(lambda: made.checked(event)) == [path]


def test_a_loop_in_an_event_is_an_error() -> None:
    """An object that contains itself ends as an error, not as a crash."""
    loop: dict[str, Any] = {}
    loop["again"] = loop
    made = context(iter(["id-1"]))
    assert paths_of(lambda: made.checked({"event": "a.b", "user_id": "u", "properties": loop}))
