"""Our own two spellings of an event, flat and canonical, read into one Event, and written back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from rocket_server import identities
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import CompletionState, Event, dedupe_key
from rocket_server.organisations.model import Source
from rocket_server.sources import adapter, checks
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.canonical import FLAT_FIELDS, Flattened, flatten
from rocket_server.sources.checks import Fault, is_absent
from rocket_server.sources.times import MAX_AHEAD_S, parse_time
from rocket_server.times import rfc3339

API_SOURCE = "api"  # the source of an event that names none
_INFINITY, _MINUS_INFINITY = float("inf"), float("-inf")

_Reader = Callable[[Any], Any]
_PROPERTIES: dict[str, _Reader] = {
    **dict.fromkeys(checks.THINGS, checks.identifier),
    "progress_pct": checks.percentage,
    "time_on_task_sec": checks.duration_s,
}
_METADATA: dict[str, _Reader] = {
    "event_id": checks.identifier,
    "lms_event_id": checks.identifier,
    "source": checks.source_name,
}
_COMPLETIONS: dict[str, CompletionState] = {
    "lesson.completed": "completed",
    "lesson.reopened": "reopened",
}

# Bound once: every event of a batch passes here.
_is_event_name = lru_cache(maxsize=1024)(checks.is_event_name)  # few, often, none too long
_is_plain_user_id = checks.is_plain_user_id
_identifier = checks.identifier
_names_nothing = identities.names_nothing
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def parse_event(
    data: Any,
    *,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int = MAX_AHEAD_S,
    path: str = "",
) -> Event | list[FieldError]:
    """The event that decoded JSON spells, or everything that is wrong with it (at least one error).

    Errors name fields as the caller spelled them, behind `path` (such as `events[3].`). Times without an
    offset are in `timezone`; none may be more than `max_ahead_s` after `received_at` (aware). `data` isn't
    changed, but the event may share its parts.
    """
    if type(data) is not dict:
        return [FieldError(path.rstrip("."), "must be an object")]
    errors: list[FieldError] = []
    flattened = None if data.keys() <= FLAT_FIELDS else flatten(data)
    get = data.get if flattened is None else flattened.fields.get

    event: Any = get("event")
    if type(event) is not str or len(event) > checks.MAX_EVENT or not _is_event_name(event):
        _try(checks.event_name, event, "event", errors)
    user_id: Any = get("user_id")
    if type(user_id) is not str or not _is_plain_user_id(user_id):
        user_id = _try(checks.user_id, user_id, "user_id", errors)
    try:
        occurred_at = parse_time(
            get("timestamp"), timezone=timezone, received_at=received_at, max_ahead_s=max_ahead_s
        )
    except Fault as fault:
        errors.append(FieldError("timestamp", str(fault)))
    properties, notes = _document(get("properties"), _PROPERTIES, "properties", errors)
    metadata, _ = _document(get("metadata"), _METADATA, "metadata", errors)

    source = get("source")
    if source is None or source == "":
        source = metadata.get("source", API_SOURCE)
    else:
        _try(checks.source_name, source, "source", errors)
    event_id = get("event_id")
    if event_id is not None and event_id != "":
        event_id = _try(checks.event_id, event_id, "event_id", errors)
    else:
        event_id = metadata.get("event_id")
        if event_id is not None:
            event_id = _try(checks.event_id, event_id, "metadata.event_id", errors)
        else:
            event_id = get("id")
            event_id = None if is_absent(event_id) else _try(checks.event_id, event_id, "id", errors)

    if errors or (flattened is not None and flattened.errors):
        return _as_sent(errors, flattened, path)
    return Event(
        event=event,
        source=source,
        user_id=user_id,
        occurred_at=occurred_at,
        properties=properties,
        metadata=metadata,
        dedupe_key=(
            dedupe_key(source, event_id)
            if event_id is not None
            else content_key(source, user_id, event, occurred_at, properties)
        ),
        source_event_id=event_id,
        completion=_COMPLETIONS[event] if event in _COMPLETIONS and "lesson_id" in properties else None,
        email=None if flattened is None else flattened.email,
        identities=() if flattened is None else flattened.identities,
        notes=notes,
    )


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event in the body of a hook that speaks our own spelling; InvalidPayload where it can't be read.

    The learner becomes `<source's name>:<user_id>` and the event belongs to the source, whatever the body
    says of either.
    """
    parsed = parse_event(
        fields,
        timezone=context.timezone,
        received_at=context.received_at,
        max_ahead_s=context.max_ahead_s,
    )
    # The whole body is kept, so all of it must be fit for that, and not only what the event uses.
    errors = parsed if isinstance(parsed, list) else []
    errors = list(dict.fromkeys(errors + _as_sent(checks.faults_in(fields, "", depth=0), None, "")))
    if errors or isinstance(parsed, list):
        raise InvalidPayload.from_fields(errors)
    try:
        return of_platform(parsed, context.source, fields)
    except Fault as fault:
        where = "user_id" if "user_id" in fields else "user.id"
        raise InvalidPayload.field(where, str(fault)) from None


reread = read
merge = adapter.filled_up
check_mappings = adapter.no_mappings


def of_platform(event: Event, source: Source, received: dict[str, Any]) -> Event:
    """The same event as one of `source`, about that platform's learner; Fault where their id is too long."""
    user_id = f"{source.name}:{event.user_id}"
    if len(user_id) > checks.MAX_ID:
        raise Fault(f"must have at most {checks.MAX_ID} characters with {source.name}: before it")
    event_id = event.source_event_id
    return Event(
        event=event.event,
        source=source.name,
        user_id=user_id,
        occurred_at=event.occurred_at,
        properties=event.properties,
        metadata=event.metadata,
        dedupe_key=(
            dedupe_key(source.name, event_id)
            if event_id is not None
            else content_key(source.name, user_id, event.event, event.occurred_at, event.properties)
        ),
        source_event_id=event_id,
        source_kind=source.kind,
        completion=event.completion,
        email=event.email,
        identities=event.identities,
        notes=event.notes,
        received=received,
    )


def content_key(
    source: str, user_id: str, event: str, occurred_at: datetime, properties: dict[str, Any]
) -> bytes:
    """The dedupe key of an event without an id of its own.

    The empty part can't be a caller's id, so this is never the key of an event that has one.
    """
    content = _encode_sorted(properties).decode()
    return dedupe_key(source, "", user_id, event, rfc3339(occurred_at), content)


def flat(event: Event) -> dict[str, Any]:
    """The flat, stored form: what rules see and reads answer."""
    return {
        "event": event.event,
        "user_id": event.user_id,
        "timestamp": rfc3339(event.occurred_at),
        "source": event.source,
        "properties": event.properties,
        "metadata": event.metadata,
    }


def _try(reader: _Reader, value: Any, path: str, errors: list[FieldError]) -> Any:
    try:
        return reader(value)
    except Fault as fault:
        errors.append(FieldError(path, str(fault)))
        return None


def _document(
    given: Any, readers: dict[str, _Reader], name: str, errors: list[FieldError]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`properties` or `metadata` as stored, with notes on what was left out: nothing absent, ids as text.
    Adds every error on the way."""
    if type(given) is dict and len(given) <= checks.MAX_KEYS and _is_in_stored_form(given, readers):
        return given, ()
    if type(given) is dict:
        stored = _stored_form(given, readers, name, errors)
        return stored, checks.leave_out_nothing(stored) if readers is _PROPERTIES else ()
    if given is not None and given != "" and given != []:  # PHP writes an empty object as []
        errors.append(FieldError(name, "must be an object"))
    return {}, ()


def _is_in_stored_form(given: dict[str, Any], readers: dict[str, _Reader]) -> bool:
    """True where one cheap pass finds nothing to complain of or to change, as in nearly every event.

    A false alarm, such as a text of several lines or a list, costs a walk through the document.
    """
    try:
        for key, value in given.items():
            kind = type(value)
            reader = readers.get(key)
            if kind is str:
                # No control character, no half of a surrogate pair.
                if not value or not value.isprintable():
                    return False
                if reader is _identifier:
                    if len(value) > checks.MAX_ID or _names_nothing(value):
                        return False
                    continue
            elif kind is int:
                if reader is None and (
                    key.endswith("_id") or not checks.INTEGER_MIN <= value <= checks.INTEGER_MAX
                ):
                    return False
            elif kind is not bool and (kind is not float or not _MINUS_INFINITY < value < _INFINITY):
                return False
            if reader is not None:
                if reader(value) is not value:
                    return False
            elif not key.isprintable():
                return False
    except Fault:
        return False
    return True


def _stored_form(
    given: dict[str, Any], readers: dict[str, _Reader], name: str, errors: list[FieldError]
) -> dict[str, Any]:
    errors += checks.faults_in(given, name)
    if len(given) > checks.MAX_KEYS:
        errors.append(FieldError(name, f"must have at most {checks.MAX_KEYS} keys"))
    stored: dict[str, Any] = {}
    for key, value in given.items():
        if is_absent(value):
            continue
        if key in readers:
            value = _try(readers[key], value, f"{name}.{key}", errors)
        elif type(value) is int and str(key).endswith("_id"):
            value = str(value)
        stored[key] = value
    return stored


def _as_sent(errors: list[FieldError], flattened: Flattened | None, path: str) -> list[FieldError]:
    """The errors in the caller's words: their names of the fields, one error for each, in a bounded list."""
    if flattened is not None:
        named = [FieldError(flattened.path_as_sent(error.path), error.message) for error in errors]
        errors = [*named, *flattened.errors]
    found: dict[str, FieldError] = {}
    for error in errors[: checks.MAX_ERRORS]:
        where = checks.printable_path(path + error.path)
        found.setdefault(where, FieldError(where, error.message))
    return list(found.values())
