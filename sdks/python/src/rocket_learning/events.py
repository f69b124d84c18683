"""What the caller gives becomes what is sent: spellings, times and ids. Pure: clock and ids are arguments."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from rocket_learning.errors import FieldError, ValidationError

Clock = Callable[[], datetime]
NewId = Callable[[], str]

_MAX_DEPTH = 32  # objects and lists inside one another; the server takes 20
_has_half_a_pair = re.compile("[\ud800-\udfff]").search

_EVENT_ALIASES = {"userId": "user_id", "eventId": "event_id"}
_AWARD_ALIASES = {"userId": "user_id", "badgeId": "badge_id"}


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_id() -> str:
    return str(uuid.uuid4())


def normalise_event(given: Mapping[str, Any], now: Clock, new_id: NewId) -> dict[str, Any]:
    """The event as it travels, with a time and an id; `given` stays as it is.

    Raises ValidationError where two spellings of one field disagree.
    """
    event = _spelled(given, _EVENT_ALIASES)
    if "timestamp" not in event and "occurred_at" not in event:
        event["timestamp"] = rfc3339(now())
    if not _has_id(event):
        event["event_id"] = new_id()
    return event


def normalise_award(given: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an award of points or of a badge. Raises ValidationError as `normalise_event` does."""
    return _spelled(given, _AWARD_ALIASES)


def rfc3339(when: datetime) -> str:
    """RFC 3339 in UTC to the millisecond; finer is cut off. Without a zone it is this machine's time."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def wire_name(name: str) -> str:
    """The name under which a top-level field of an event is sent."""
    return _EVENT_ALIASES.get(name, name)


def is_absent(value: Any) -> bool:
    """Null and the empty text say nothing, like a field that isn't there."""
    return value is None or value == ""


def _spelled(given: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in given.items():
        if is_absent(value):
            continue
        wanted = aliases.get(name, name)
        written = _written(value, name, errors)
        if wanted in fields and fields[wanted] != written:
            alias = next(alias for alias, target in aliases.items() if target == wanted)
            errors.append(FieldError(alias, f"differs from {wanted}"))
        fields[wanted] = written
    if errors:
        raise ValidationError(errors)
    return fields


def _written(value: Any, path: str, errors: list[FieldError], depth: int = 0) -> Any:
    """The same with each time in it as text; what JSON can't say is an error under its path."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and not _has_half_a_pair(value):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if depth < _MAX_DEPTH:
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return {
                name: _written(inner, f"{path}.{name}", errors, depth + 1) for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [
                _written(inner, f"{path}[{index}]", errors, depth + 1) for index, inner in enumerate(value)
            ]
    errors.append(FieldError(path, f"JSON can't say it: {type(value).__name__}"))
    return None


def _has_id(event: Mapping[str, Any]) -> bool:
    places = (event.get("metadata"), "event_id"), (event.get("trace"), "lms_event_id")
    nested = [place.get(name) for place, name in places if isinstance(place, dict)]
    return not all(is_absent(value) for value in (event.get("event_id"), event.get("id"), *nested))
