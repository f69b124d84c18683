"""What platforms send becomes Events: one adapter module for each kind of source; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo

from rocket_server.catalogue import Activity
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources import body as bodies
from rocket_server.sources import custom, learnworlds, moodle, openlms, rocket, shiksha, thinkific

MAX_AHEAD_S: Final = 86_400

MAX_LIST: Final = 100  # events in one body of a custom platform
# Kinds whose platforms may send several events in one body.
LISTING: Final = frozenset({"custom"})

# The module of each kind. It has `read(fields, source, *, timezone, received_at, max_ahead_s) -> Event`
# and, where it has something to say about them, `reread`, `merge` and `check_mappings`.
ADAPTERS: Final[dict[str, ModuleType]] = {
    "moodle": moodle,
    "openlms": openlms,
    "learnworlds": learnworlds,
    "thinkific": thinkific,
    "shiksha": shiksha,
    "custom": custom,
    "test": rocket,
}
# Kinds whose adapter reads by the catalogue of Moodle activities, and takes an administrator's own.
CATALOGUED: Final = frozenset({"moodle", "openlms"})
KINDS: Final = tuple(ADAPTERS)


def read(
    body: bytes,
    content_type: str | None,
    source: Source,
    *,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int = MAX_AHEAD_S,
    activities: Mapping[str, Activity] | None = None,
) -> Event:
    """The event in the body of a hook's request. Raises InvalidPayload, in words for an administrator.

    `timezone` is the organisation's; times up to `max_ahead_s` after `received_at` are believed.
    `activities` is the catalogue where it isn't the bundled one.
    """
    fields = bodies.parse(body, content_type)
    if not isinstance(fields, dict):
        raise InvalidPayload("The body is an array. Send one event as a JSON object, {…}.")
    return _read(fields, source, timezone, received_at, max_ahead_s, activities)


def read_fields(
    fields: Any,
    source: Source,
    *,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int = MAX_AHEAD_S,
    activities: Mapping[str, Activity] | None = None,
) -> Event:
    """As `read`, of a body that was decoded before."""
    if not isinstance(fields, dict):
        raise InvalidPayload("The item is no JSON object, {…}.")
    bodies.check_storable(bodies.texts(fields))
    return _read(fields, source, timezone, received_at, max_ahead_s, activities)


def read_list(
    body: bytes, source: Source, *, timezone: ZoneInfo, received_at: datetime, max_ahead_s: int = MAX_AHEAD_S
) -> list[Event | InvalidPayload]:
    """The events of a custom platform's list, or what is wrong with each. Raises InvalidPayload for one that
    is no list of 1 to MAX_LIST objects."""
    items = bodies.parse(body, "application/json")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_LIST:
        raise InvalidPayload(f"A list of events must have 1 to {MAX_LIST}.", {"limit": MAX_LIST})
    found: list[Event | InvalidPayload] = []
    for item in items:
        try:
            if not isinstance(item, dict):
                raise InvalidPayload("The item is no JSON object, {…}.")
            found.append(_read(item, source, timezone, received_at, max_ahead_s, None))
        except InvalidPayload as error:
            found.append(error)
    return found


def _read(
    fields: dict[str, Any],
    source: Source,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int,
    activities: Mapping[str, Activity] | None,
) -> Event:
    return ADAPTERS[source.kind].read(  # type: ignore[no-any-return]
        fields,
        source,
        timezone=timezone,
        received_at=received_at,
        max_ahead_s=max_ahead_s,
        **_options(source.kind, activities),
    )


def reread(
    received: Mapping[str, Any],
    source: Source,
    *,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int = MAX_AHEAD_S,
    activities: Mapping[str, Activity] | None = None,
) -> Event:
    """The event in a stored `Event.received`, by the source's present mappings and filters."""
    adapter = ADAPTERS[source.kind]
    return getattr(adapter, "reread", adapter.read)(  # type: ignore[no-any-return]
        received,
        source,
        timezone=timezone,
        received_at=received_at,
        max_ahead_s=max_ahead_s,
        **_options(source.kind, activities),
    )


def merge(kind: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two `Event.received` of one event in one: what the first lacks comes from the second."""
    merge_of_kind = getattr(ADAPTERS[kind], "merge", None)
    return {**second, **first} if merge_of_kind is None else merge_of_kind(first, second)


def check_mappings(
    kind: str, mappings: Any, *, activities: Mapping[str, Activity] | None = None
) -> list[FieldError]:
    """What is wrong with the mappings of a source of this kind; empty where nothing is."""
    check = getattr(ADAPTERS[kind], "check_mappings", None)
    if check is not None:
        errors: list[FieldError] = check(mappings, **_options(kind, activities))
        return errors
    return [FieldError("mappings", f"a source of kind {kind} takes none")] if mappings else []


def _options(kind: str, activities: Mapping[str, Activity] | None) -> dict[str, Any]:
    return {"activities": activities} if activities is not None and kind in CATALOGUED else {}
