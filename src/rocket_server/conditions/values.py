"""What the values of events mean to a rule: absence, numbers, times, text, equality.

Platforms disagree about types (Moodle sends every value as text), so a rule compares meanings:

- absent is a value that is missing, null or empty text;
- a number and its decimal spelling are equal (80 and "80.0"), two texts only if they are the same text, so
  that ids keep their leading zeros ("007" isn't "7");
- true equals "true", "1" and 1; false equals "false", "0" and 0;
- a time is RFC 3339; without a zone it is in the organisation's, and a number stands for Unix seconds.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final

from rocket_server.times import rfc3339

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")
_TRUE: Final = ("true", "True", "TRUE", "1")
_FALSE: Final = ("false", "False", "FALSE", "0")
MAX_SHOWN_CHARACTERS: Final = 200
# 2286-11-20: the last Unix time of ten digits; larger numbers are milliseconds or no times at all.
_MAX_UNIX_SECONDS: Final = 9_999_999_999

Predicate = Callable[[Any], bool]


def is_absent(value: Any) -> bool:
    """True where an event says nothing: missing, null or empty text."""
    return value is None or value == ""


def as_number(value: Any) -> int | float | None:
    """A finite number, or the number that a text spells in decimal digits; else None."""
    if isinstance(value, str):
        if len(value) <= 18 and value.isdigit() and value.isascii():
            return int(value)
        found = _NUMBER.match(value)
        if found is None:
            return None
        return int(value) if found[1] is None else float(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return None


def as_time(value: Any, zone: tzinfo) -> datetime | None:
    """An aware time from RFC 3339, a date, Unix seconds or a datetime; else None."""
    if isinstance(value, datetime):
        return value
    number = as_number(value)
    if number is not None:
        return datetime.fromtimestamp(number, UTC) if 0 <= number <= _MAX_UNIX_SECONDS else None
    # "2026W101" and "20260301" are ISO 8601 as well, but too easily something else.
    if not isinstance(value, str) or len(value) < 10 or value[4:5] != "-" or value[7:8] != "-":
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not 1 < time.year < 9999:  # so that a zone's offset can't leave the calendar
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=zone)


def as_text(value: Any) -> str | None:
    """How a scalar reads as text (5.0 as "5"); None for absent values, lists and objects."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    return None


def shown(value: Any) -> Any:
    """A value as a decision shows it: JSON, and short."""
    if type(value) is str:
        return value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 1] + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    return shown(json.dumps(value, default=str, ensure_ascii=False))


def equality(expected: Iterable[Any], zone: tzinfo) -> Predicate:
    """A predicate: is a value equal to one of the expected scalars?"""
    texts: set[str] = set()
    numbers: set[int | float] = set()  # that a number of the event may be
    spelled: set[int | float] = set()  # that a text of the event may spell: numbers that the rule has as such
    truths: set[bool] = set()
    times: set[datetime] = set()
    for value in expected:
        if isinstance(value, bool):
            texts.update(_TRUE if value else _FALSE)
            numbers.add(int(value))
            truths.add(value)
            continue
        if isinstance(value, str):
            texts.add(value)
        number = as_number(value)
        if number is not None:
            numbers.add(number)
            if not isinstance(value, str):
                spelled.add(number)
        truth = value if isinstance(value, str) else number
        if truth in _TRUE or truth == 1:
            truths.add(True)
        if truth in _FALSE or truth == 0:
            truths.add(False)
        time = as_time(value, zone)
        if time is not None:
            times.add(time)

    def equals(seen: Any) -> bool:
        kind = type(seen)
        if kind is str:
            return seen in texts or (bool(spelled) and as_number(seen) in spelled)
        if kind is bool:
            return seen in truths
        if kind is int or kind is float:
            return seen in numbers
        return kind is datetime and seen in times

    return equals


# A value under which equal ones are found: texts as they are, numbers and truths as numbers.
Key = str | int | float


def equality_keys(expected: Iterable[Any]) -> frozenset[Key]:
    """Where to look for a value that equals one of the expected scalars, times left out: whatever `equality`
    finds equal has one of these among its `keys_of`."""
    keys: set[Key] = set()
    for value in expected:
        if isinstance(value, bool):
            keys.update(_TRUE if value else _FALSE)
            keys.add(int(value))
            continue
        keys.add(value)
        number = as_number(value)
        if number is not None:
            keys.add(number)
        if value in _TRUE:
            keys.add(1)
        elif value in _FALSE:
            keys.add(0)
    return frozenset(keys)


def keys_of(seen: Any) -> tuple[Key, ...]:
    """Under what a value of an event is looked up."""
    kind = type(seen)
    if kind is str:
        number = as_number(seen)
        return (seen,) if number is None else (seen, number)
    return (seen,) if kind is int or kind is float or kind is bool else ()


def ordering(operator: str, expected: Any, zone: tzinfo, *, of_time: bool) -> Predicate:
    """A predicate for gt, gte, lt, lte: against a number, or against a time where one is expected.

    `of_time`: the field holds the event's own time, so that a number means Unix seconds.
    """
    bound: Any = None if of_time else as_number(expected)
    read: Callable[[Any], Any] = as_number
    if bound is None:
        bound = as_time(expected, zone)
        read = partial(as_time, zone=zone)

    def above(seen: Any) -> bool:
        value = read(seen)
        return value is not None and value > bound

    def at_least(seen: Any) -> bool:
        value = read(seen)
        return value is not None and value >= bound

    def below(seen: Any) -> bool:
        value = read(seen)
        return value is not None and value < bound

    def at_most(seen: Any) -> bool:
        value = read(seen)
        return value is not None and value <= bound

    return {"gt": above, "gte": at_least, "lt": below, "lte": at_most}[operator]
