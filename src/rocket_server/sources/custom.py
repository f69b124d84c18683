"""Platforms that no module of ours knows: a mapping, kept as data on the source, says how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from rocket_server.catalogue import Activity
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event, dedupe_key
from rocket_server.organisations.model import Source
from rocket_server.sources import adapter, checks, rocket, withdrawals
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.checks import Fault, is_absent
from rocket_server.sources.expressions import (
    MAX_LOOKUPS,
    evaluate,
    faults_of_expression,
    lookups_in,
    paths_in,
)
from rocket_server.sources.times import milliseconds_to_seconds

UNKNOWN_EVENT = "custom.unknown"  # the name of an event that the mapping has no name for
MAX_PROPERTIES = 100

_REQUIRED = ("event", "user_id")
_FIELDS = frozenset({"event", "user_id", "timestamp", "event_id", "email", "properties", "withdraws"})
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event that the source's mappings find in a body; InvalidPayload where the body can't be read.

    Without mappings the body must be in our own spelling. An event that the mapping has no name for is
    kept and ignored. The platform's words are taken as it says them: numbers as ids, numbers in quotes,
    Unix milliseconds.
    """
    source = context.source
    mappings = source.mappings
    if not mappings:
        return rocket.read(fields, context)
    errors = checks.faults_in(fields, "$", depth=0)
    if errors:
        raise InvalidPayload.from_fields(
            [FieldError(checks.printable_path(error.path), error.message) for error in errors]
        )

    flat = _apply(mappings, fields, context.received_at)
    name = flat["event"]
    if type(name) is not str or not checks.is_event_name(name) or len(name) > checks.MAX_EVENT:
        seen = evaluate(paths_in(mappings.get("event")), fields)
        if is_absent(name) and is_absent(seen):
            raise InvalidPayload.field(_looked_at(mappings, "event"), "is required: the name of the event")
        try:
            occurred_at = context.time(flat["timestamp"])
        except Fault:
            occurred_at = context.received_at
        return _unknown(flat, source, fields, occurred_at, name if is_absent(seen) else seen)
    parsed = rocket.parse_event(
        flat, timezone=context.timezone, received_at=context.received_at, max_ahead_s=context.max_ahead_s
    )
    if isinstance(parsed, list):
        raise InvalidPayload.from_fields(_in_words_of_mapping(parsed, mappings))
    try:
        return rocket.of_platform(parsed, source, fields)
    except Fault as fault:
        raise InvalidPayload.field(_looked_at(mappings, "user_id"), str(fault)) from None


reread = read
merge = adapter.filled_up


def check_mappings(mappings: Any, activities: Mapping[str, Activity] | None = None) -> list[FieldError]:
    """What is wrong with a mapping, as paths into it; empty where `read` can work with it."""
    if not isinstance(mappings, Mapping):
        return [FieldError("mappings", "must be an object")]
    if not mappings:
        return []
    errors = [
        FieldError(f"mappings.{name}", "is required") for name in _REQUIRED if is_absent(mappings.get(name))
    ]
    for name, expression in mappings.items():
        where = checks.printable_path(f"mappings.{name}")
        if name not in _FIELDS:
            errors.append(FieldError(where, f"is not one of {', '.join(sorted(_FIELDS))}"))
        elif name == "properties":
            errors += _check_properties(expression)
        elif name == "withdraws":
            errors += _check_withdraws(expression)
        elif not is_absent(expression):
            errors += faults_of_expression(expression, where)
        if len(errors) >= checks.MAX_ERRORS:
            return errors[: checks.MAX_ERRORS]
    if errors:
        return errors
    fields = {name: expression for name, expression in mappings.items() if name != "properties"}
    named = mappings.get("properties") or {}
    lookups = sum(map(lookups_in, [*fields.values(), *named.values()]))
    if lookups > MAX_LOOKUPS:
        message = f"must have at most {MAX_LOOKUPS} paths, constants and lists in all, has {lookups}"
        return [FieldError("mappings", message)]
    return []


def _check_properties(properties: Any) -> list[FieldError]:
    where = "mappings.properties"
    if not isinstance(properties, Mapping):
        return [FieldError(where, "must be an object")]
    if len(properties) > MAX_PROPERTIES:
        return [FieldError(where, f"must have at most {MAX_PROPERTIES} entries, has {len(properties)}")]
    errors: list[FieldError] = []
    for name, expression in properties.items():
        path = checks.printable_path(f"{where}.{name}")
        if not isinstance(name, str) or not name or not name.isprintable():
            errors.append(FieldError(path, "must have a printable name"))
        errors += faults_of_expression(expression, path)
    return errors


def _check_withdraws(written: Any) -> list[FieldError]:
    where = "mappings.withdraws"
    if not isinstance(written, Mapping) or len(written) > MAX_PROPERTIES:
        return [
            FieldError(where, f"must be an object of at most {MAX_PROPERTIES} events that withdraw others")
        ]
    errors: list[FieldError] = []
    for name, withdraws in written.items():
        path = checks.printable_path(f"{where}.{name}")
        if not isinstance(name, str) or not checks.is_event_name(name):
            errors.append(FieldError(path, "must be the name of one of your events, such as post.deleted"))
        errors += withdrawals.faults(withdraws, path)
    return errors


def _apply(mappings: Mapping[str, Any], fields: dict[str, Any], received_at: datetime) -> dict[str, Any]:
    """The body in our own spelling, as far as the mapping finds its parts."""
    mapped = mappings.get("properties")
    properties = {
        name: evaluate(expression, fields)
        for name, expression in (mapped.items() if isinstance(mapped, Mapping) else ())
    }
    for name in ("progress_pct", "time_on_task_sec"):
        if name in properties:
            properties[name] = _number(properties[name])
    # A platform that sends no time is taken to send at once; then only the body tells two events apart.
    timed = not is_absent(mappings.get("timestamp"))
    flat: dict[str, Any] = {
        "event": evaluate(mappings.get("event"), fields),
        "user_id": _text(evaluate(mappings.get("user_id"), fields)),
        "timestamp": (
            milliseconds_to_seconds(evaluate(mappings["timestamp"], fields))
            if timed
            else received_at.timestamp()
        ),
        "event_id": evaluate(mappings.get("event_id"), fields),
        "properties": properties,
    }
    if not timed and is_absent(flat["event_id"]):
        flat["event_id"] = f"body:{_digest(fields)}"
    email = evaluate(mappings.get("email"), fields)
    if not is_absent(email):
        flat["user"] = {"email": email}
    return flat


def _unknown(
    flat: dict[str, Any], source: Source, fields: dict[str, Any], occurred_at: datetime, name: Any
) -> Event:
    """An event kept until the mapping has a name for it; then it is read again from `received`."""
    try:
        event_id = None if is_absent(flat["event_id"]) else checks.event_id(flat["event_id"])
    except Fault:
        event_id = None
    shown = checks.printable_path(str(name))
    return Event(
        event=UNKNOWN_EVENT,
        source=source.name,
        user_id=None,
        occurred_at=occurred_at,
        properties={},
        metadata={},
        dedupe_key=dedupe_key(source.name, event_id if event_id is not None else f"body:{_digest(fields)}"),
        source_event_id=event_id,
        source_kind=source.kind,
        ignored=f"unknown_event: the source's mapping has no event of ours for {shown}",
        received=fields,
    )


def _digest(fields: dict[str, Any]) -> str:
    return dedupe_key("", _encode_sorted(fields).decode()).hex()


def _text(value: Any) -> Any:
    """Numbers as learners' ids are written in digits; anything else is judged later."""
    try:
        return value if type(value) is str else checks.identifier(value)
    except Fault:
        return value


def _number(value: Any) -> Any:
    """`"85"` and `"85.5"` as numbers; anything else as it is."""
    if type(value) is not str or not checks.is_decimal(value):
        return value
    return float(value) if "." in value else int(value)


def _looked_at(mappings: Mapping[str, Any], name: str) -> str:
    """The places in the body where the mapping looks for a field, or the field's name where it has none."""
    expression: Any = mappings
    for part in name.split(".", 1):
        expression = expression.get(part) if isinstance(expression, Mapping) else None
    return " or ".join(paths_in(expression)) or name


def _in_words_of_mapping(errors: list[FieldError], mappings: Mapping[str, Any]) -> list[FieldError]:
    named = {"user.email": "email"}
    return [FieldError(_looked_at(mappings, named.get(e.path, e.path)), e.message) for e in errors]
