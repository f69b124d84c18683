"""What a value from outside must be before it may be kept: identifiers, text, numbers, whole documents."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import msgspec

from rocket_server import identities
from rocket_server.errors import FieldError

MAX_EVENT = 100  # characters of an event's name
MAX_ID = identities.MAX_CHARACTERS  # of a learner's, an event's or an object's identifier
MAX_SOURCE = 100  # characters of a source's name
MAX_EMAIL = 254  # characters, RFC 5321
MAX_KEYS = 200  # keys of `properties`, and as many of `metadata`
MAX_METADATA_BYTES = 16_384  # of a learner, an entry or an award, as JSON
MAX_DEPTH = 20  # objects and lists inside one another
# Properties that name things: rules, filters, badges and boards count by them.
THINGS: Final = ("course_id", "section_id", "lesson_id", "quiz_id", "attempt_id", "object_id")
MAX_ERRORS = 20  # errors reported for one event; a hostile body could have a million
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1  # what PostgreSQL's bigint and most languages take

_MAX_PATH = 200
_MAX_EXACT_FLOAT = 2.0**53
_ROUNDING = 1e-9  # what adding up parts of a hundred may be off by

# C0 and C1 controls, and halves of surrogate pairs, which UTF-8 can't write.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
_unprintable = re.compile(f"[{_UNPRINTABLE}]").search
_unstorable = re.compile("[\x00\ud800-\udfff]").search
_email = re.compile(rf"[^@\s{_UNPRINTABLE}]+@[^@\s{_UNPRINTABLE}]+").fullmatch

# A whole string in `domain.action` form.
is_event_name = re.compile(r"[a-z]+\.[a-z_]+").fullmatch

# A number of ordinary size in quotes.
is_decimal = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch

# Identifiers that need no closer look; nearly all are of this kind.
is_plain_user_id = re.compile(rf"(?!(?:[^:]*:)?{identities.NO_VALUE}\Z)[0-9A-Za-z_.:@+-]{{1,255}}").fullmatch


class Fault(ValueError):
    """A value can't be taken. The message completes a sentence that begins with the field's name."""


def is_absent(value: Any) -> bool:
    """Null and the empty string say nothing, like a field that wasn't sent."""
    return value is None or (type(value) is str and not value)


def event_name(value: Any) -> str:
    """An event's name in `domain.action` form; else Fault."""
    if is_absent(value):
        raise Fault("is required")
    if type(value) is not str or not is_event_name(value):
        raise Fault('must be domain.action in lower-case letters, such as "course.completed"')
    if len(value) > MAX_EVENT:
        raise Fault(f"must have at most {MAX_EVENT} characters, has {len(value)}")
    return value


def user_id(value: Any) -> str:
    """A learner's identifier in the form in which it is kept, fit for a URL's path; else Fault."""
    if is_absent(value):
        raise Fault("is required")
    if type(value) is not str:
        hint = f', such as "{value}"' if type(value) is int and abs(value) <= INTEGER_MAX else ""
        raise Fault(f"must be a string{hint}")
    if len(value) > MAX_ID:
        raise Fault(f"must have at most {MAX_ID} characters, has {len(value)}")
    if "/" in value:
        raise Fault("must not contain a slash")
    if _unprintable(value):
        raise Fault("must not contain control characters or halves of surrogate pairs")
    if value != value.strip():
        raise Fault("must not begin or end with a blank")
    unseen = identities.invisible(value)
    if unseen is not None:
        raise Fault(f"must not contain characters that nobody sees, such as {unseen}")
    if identities.means_nothing(value):
        raise Fault(
            "must name one learner; this is what a program writes where it had no value, and would make one "
            "learner of all who lack it"
        )
    return identities.normal(value)


def event_id(value: Any) -> str:
    """The id that a caller gave an event, as text; else Fault.

    Zero counts as no id: it is what an unset number holds, and no platform numbers its events from it.
    """
    text = identifier(value)
    if identities.is_anybodys(text):
        raise Fault(
            "must be this event's own; this is what a program writes where it had no value, and would make "
            "duplicates of all events that lack it. Leave the field out where there is no id"
        )
    return text


def identifier(value: Any) -> str:
    """Any other identifier as text. Whole numbers are taken too and written in digits; else Fault."""
    if type(value) is not str:
        if type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT_FLOAT:
            return str(int(value))
        if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
            return str(value)
        raise Fault("must be a string or a whole number")
    if not value:
        raise Fault("must not be empty")
    if len(value) > MAX_ID:
        raise Fault(f"must have at most {MAX_ID} characters, has {len(value)}")
    if _unstorable(value):
        raise Fault("must not contain NUL or halves of surrogate pairs")
    return value


def leave_out_nothing(properties: dict[str, Any]) -> tuple[str, ...]:
    """Take out the ids of things that name nothing (`undefined`), as if they hadn't been sent, and say so.

    Refused, the event would be lost, and kept, all things without an id would be one.
    """
    notes: list[str] = []
    for name in THINGS:
        value = properties.get(name)
        if type(value) is str and identities.names_nothing(value):
            del properties[name]
            notes.append(f"{name} was left out: {value[:_MAX_PATH]!r} is what a program writes for no value.")
    return tuple(notes)


def source_name(value: Any) -> str:
    """The name of the platform where an event happened; else Fault."""
    if type(value) is not str:
        raise Fault("must be a string")
    return _source_name(value)


@lru_cache(maxsize=1024)
def _source_name(value: str) -> str:
    if not 1 <= len(value) <= MAX_SOURCE:
        raise Fault(f"must have 1 to {MAX_SOURCE} characters, has {len(value)}")
    if _unprintable(value):
        raise Fault("must not contain control characters or halves of surrogate pairs")
    if value != value.strip():
        raise Fault("must not begin or end with a blank")
    return value


def email(value: Any) -> str:
    """Something with one @ between two texts without blanks, in the form NFC; no more can be known here. Else
    Fault."""
    if type(value) is not str or len(value) > MAX_EMAIL or not _email(value):
        raise Fault(f"must be an e-mail address of at most {MAX_EMAIL} characters")
    return identities.normal(value)


def percentage(value: Any) -> int | float:
    """A number from 0 to 100, to which a sum that is off by rounding is brought; else Fault.

    True and `"85"` aren't numbers, and neither is NaN.
    """
    if (type(value) is int or type(value) is float) and -_ROUNDING <= value <= 100 + _ROUNDING:
        number: int | float = value
        return number if 0 <= number <= 100 else 0 if number < 0 else 100
    raise Fault(f"must be a number from 0 to 100{_without_quotes(value)}")


def duration_s(value: Any) -> int:
    """A whole number of seconds, 0 or more; else Fault."""
    if type(value) is float and value.is_integer() and 0 <= value <= _MAX_EXACT_FLOAT:
        return int(value)
    if type(value) is int and 0 <= value <= INTEGER_MAX:
        return value
    raise Fault(f"must be a whole number of seconds, 0 or more{_without_quotes(value)}")


def _without_quotes(value: Any) -> str:
    return "; send it without quotes" if type(value) is str else ""


def faults_in(document: Any, path: str, *, depth: int = 1) -> list[FieldError]:
    """Everything in decoded JSON that can't be stored as JSON in PostgreSQL, or is out of bounds.

    `depth` is how deep `document` itself lies in the properties of an event: a whole body is at 0.
    """
    errors: list[FieldError] = []
    _walk(document, path, depth, errors)
    return errors


def metadata_faults(metadata: dict[str, Any] | None) -> list[FieldError]:
    """What is wrong with the `metadata` of a learner, an entry or an award; empty where nothing is."""
    if metadata is None:
        return []
    # Its size first: walking through fifty thousand values takes thirty times as long as writing them.
    with suppress(RecursionError, OverflowError, ValueError):  # said of their places, below
        if len(msgspec.json.encode(metadata)) > MAX_METADATA_BYTES:
            return [FieldError("metadata", f"must have at most {MAX_METADATA_BYTES} bytes of JSON")]
    if len(metadata) > MAX_KEYS:
        return [FieldError("metadata", f"must have at most {MAX_KEYS} keys")]
    return faults_in(metadata, "metadata")


def _walk(value: Any, path: str, depth: int, errors: list[FieldError]) -> None:
    if len(errors) >= MAX_ERRORS or value is None or type(value) is bool:
        return
    if type(value) is str:
        if _unstorable(value):
            errors.append(FieldError(path, "must not contain NUL or halves of surrogate pairs"))
    elif type(value) is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            errors.append(FieldError(path, "must be a number that fits 64 bits; send it as a string"))
    elif type(value) is float:
        if not float("-inf") < value < float("inf"):
            errors.append(FieldError(path, "must be a finite number"))
    elif depth > MAX_DEPTH and isinstance(value, dict | list):
        errors.append(FieldError(path, f"must not be nested deeper than {MAX_DEPTH}"))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(item, f"{path}[{index}]", depth + 1, errors)
    elif isinstance(value, dict):
        for key, item in value.items():
            # Cut, so that an endless name isn't copied for everything that lies under it.
            where = (f"{path}.{key}" if path else str(key))[: _MAX_PATH + 1]
            if type(key) is not str or _unstorable(key):
                message = "must not contain NUL or halves of surrogate pairs in its name"
                errors.append(FieldError(where, message))
            else:
                _walk(item, where, depth + 1, errors)
    else:
        errors.append(FieldError(path, "must be JSON"))


def printable_path(path: str) -> str:
    """A path that can be written into any answer or log, whatever a caller named their fields."""
    if len(path) > _MAX_PATH:
        path = path[:_MAX_PATH] + "…"
    return path.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
