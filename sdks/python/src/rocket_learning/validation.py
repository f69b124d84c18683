"""The event schema, checked before anything is sent. Pure, and never stricter than the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rocket_learning.errors import FieldError
from rocket_learning.events import is_absent

MAX_EVENT = 100  # characters of an event's name
MAX_ID = 255  # characters of any id
MAX_POINTS = 1_000_000
MAX_REASON = 1_000  # characters
MAX_BATCH = 10_000  # events

_IDS = ("course_id", "section_id", "lesson_id", "quiz_id", "attempt_id", "object_id")
_EARLIEST_S, _MILLISECONDS_FROM = 946_684_800, 1e11  # the year 2000; as seconds that would be the year 5138
# What programs write where they had no value: all such learners would become one.
_NOTHING = frozenset({"undefined", "null", "none", "nan", "[object object]", "true", "false"})

_is_event_name = re.compile(r"[a-z]+\.[a-z_]+").fullmatch
_is_time = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:[Zz]|[+-]\d\d:\d\d)?|\d{1,20}", re.ASCII
).fullmatch
_is_key = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
_has_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search

_Check = Callable[[Any], str | None]


def event_errors(event: Any) -> list[FieldError]:
    """Everything that is wrong with a normalised event, each path once."""
    if not isinstance(event, Mapping):
        return [FieldError("", "must be an object")]
    # The canonical spelling has these elsewhere; the server knows it.
    canonical = "user" in event or "occurred_at" in event
    required: dict[str, _Check] = {"event": _event_name}
    if not canonical:
        required |= {"user_id": user_id_error, "timestamp": _time}
    errors = _check(event, required, "", required=True)
    errors += _check(event, {"event_id": _identifier, "id": _identifier}, "")
    ids = dict.fromkeys(_IDS, _identifier)
    errors += _document(
        event, "properties", {"progress_pct": _percentage, "time_on_task_sec": _seconds, **ids}
    )
    return errors + _document(event, "metadata", {"event_id": _identifier})


def batch_size_error(events: Sequence[Any]) -> FieldError | None:
    if 1 <= len(events) <= MAX_BATCH:
        return None
    return FieldError("events", f"must be 1 to {MAX_BATCH:,} events, are {len(events):,}")


def points_errors(award: Mapping[str, Any], idempotency_key: str) -> list[FieldError]:
    """Everything that is wrong with an award or a deduction of points."""
    checks: dict[str, _Check] = {"user_id": user_id_error, "points": _points, "reason": _reason}
    errors = _check(award, checks, "", required=True) + _document(award, "metadata", {})
    errors += [
        FieldError(name, "unknown field") for name in award if name not in checks and name != "metadata"
    ]
    return errors + _key_errors(idempotency_key)


def badge_errors(award: Mapping[str, Any], idempotency_key: str) -> list[FieldError]:
    """Everything that is wrong with an award of a badge."""
    checks: dict[str, _Check] = {"user_id": user_id_error, "badge_id": _identifier}
    errors = _check(award, checks, "", required=True) + _document(award, "metadata", {})
    return errors + _key_errors(idempotency_key)


def user_id_error(value: Any) -> str | None:
    """What is wrong with a learner's id, if anything is."""
    if type(value) is not str:
        return "must be a string"
    if not 1 <= len(value) <= MAX_ID:
        return f"must have 1 to {MAX_ID} characters"
    if "/" in value or _has_control(value) or value != value.strip():
        return "must not contain slashes or control characters, or blanks at the ends"
    if value.lower() in _NOTHING:
        return f"is {value!r}, which a program writes where it has no value"
    return None


def _check(
    values: Mapping[str, Any], checks: Mapping[str, _Check], prefix: str, *, required: bool = False
) -> list[FieldError]:
    errors = []
    for name, check in checks.items():
        value = values.get(name)
        if is_absent(value):
            errors += [FieldError(prefix + name, "is required")] if required else []
        elif message := check(value):
            errors.append(FieldError(prefix + name, message))
    return errors


def _key_errors(key: str) -> list[FieldError]:
    expected = "must be 1 to 255 printable ASCII characters, no blanks"
    return [] if _is_key(key) else [FieldError("idempotency_key", expected)]


def _document(values: Mapping[str, Any], name: str, checks: Mapping[str, _Check]) -> list[FieldError]:
    value = values.get(name)
    if is_absent(value):
        return []
    if not isinstance(value, Mapping):
        return [FieldError(name, "must be an object")]
    return _check(value, checks, f"{name}.")


def _event_name(value: Any) -> str | None:
    if type(value) is not str or not _is_event_name(value):
        return 'must be domain.action in lower-case letters, such as "course.completed"'
    return None if len(value) <= MAX_EVENT else f"must have at most {MAX_EVENT} characters"


def _time(value: Any) -> str | None:
    if type(value) is str and _is_time(value):
        if not value.isdigit():
            return None
        value = int(value)
    if type(value) not in (int, float) or value != value:
        return 'must be RFC 3339, such as "2026-01-31T10:15:00Z", or Unix seconds'
    if value >= _MILLISECONDS_FROM:
        return "looks like milliseconds; give Unix seconds"
    return None if value >= _EARLIEST_S else "is before the year 2000"


def _identifier(value: Any) -> str | None:
    if type(value) is str:
        return None if len(value) <= MAX_ID else f"must have at most {MAX_ID} characters"
    if type(value) is int or (type(value) is float and value.is_integer()):
        return None
    return "must be a string or a whole number"


def _percentage(value: Any) -> str | None:
    fits = type(value) in (int, float) and 0 <= value <= 100
    return None if fits else "must be a number from 0 to 100"


def _seconds(value: Any) -> str | None:
    fits = (type(value) is int or (type(value) is float and value.is_integer())) and value >= 0
    return None if fits else "must be a whole number of seconds, 0 or more"


def _points(value: Any) -> str | None:
    fits = type(value) is int and 1 <= value <= MAX_POINTS
    return None if fits else f"must be a whole number from 1 to {MAX_POINTS:,}"


def _reason(value: Any) -> str | None:
    fits = type(value) is str and len(value) <= MAX_REASON
    return None if fits else f"must be a text of at most {MAX_REASON:,} characters"
