"""What platforms send becomes Events: one adapter module for each kind of source; pure.

A new kind is a module that is an `Adapter`, and its row in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rocket_server.catalogue import Activity
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event
from rocket_server.sources import body as bodies
from rocket_server.sources import custom, learnworlds, moodle, openlms, rocket, shiksha, thinkific, xapi
from rocket_server.sources.adapter import Adapter, Kind, ReadingContext
from rocket_server.sources.signatures import ORDINARY, Scheme

MAX_LIST: Final = 100  # events in one body of a platform that may send several

KINDS: Final[Mapping[str, Kind]] = {
    "moodle": Kind(moodle, is_catalogued=True),
    "openlms": Kind(openlms, is_catalogued=True),
    "learnworlds": Kind(learnworlds, scheme=learnworlds.SCHEME),
    "thinkific": Kind(thinkific, scheme=thinkific.SCHEME),
    "valamis": Kind(xapi, lists=True),
    "shiksha": Kind(shiksha),
    "custom": Kind(custom, lists=True),
    "test": Kind(rocket),
}
CATALOGUED: Final = frozenset(name for name, kind in KINDS.items() if kind.is_catalogued)


def read(body: bytes, content_type: str | None, context: ReadingContext) -> Event:
    """The event in the body of a hook's request. Raises InvalidPayload, in words for an administrator."""
    fields = bodies.parse(body, content_type)
    if not isinstance(fields, dict):
        raise InvalidPayload("The body is an array. Send one event as a JSON object, {…}.")
    return _adapter(context).read(fields, context)


def read_fields(fields: Any, context: ReadingContext) -> Event:
    """As `read`, of a body that was decoded before."""
    if not isinstance(fields, dict):
        raise InvalidPayload("The item is no JSON object, {…}.")
    bodies.check_storable(bodies.texts(fields))
    return _adapter(context).read(fields, context)


def read_list(body: bytes, context: ReadingContext) -> list[Event | InvalidPayload]:
    """The events of a list, or what is wrong with each. Raises InvalidPayload for one that is no list of 1 to
    MAX_LIST objects."""
    items = bodies.parse(body, "application/json")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_LIST:
        raise InvalidPayload(f"A list of events must have 1 to {MAX_LIST}.", {"limit": MAX_LIST})
    found: list[Event | InvalidPayload] = []
    for item in items:
        try:
            if not isinstance(item, dict):
                raise InvalidPayload("The item is no JSON object, {…}.")
            found.append(_adapter(context).read(item, context))
        except InvalidPayload as error:
            found.append(error)
    return found


def reread(received: dict[str, Any], context: ReadingContext) -> Event:
    """The event in a stored `Event.received`, by the source's present mappings and filters."""
    return _adapter(context).reread(received, context)


def merge(kind: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two `Event.received` of one event in one: what the first lacks comes from the second."""
    return KINDS[kind].adapter.merge(first, second)


def check_mappings(kind: str, mappings: Any, activities: Mapping[str, Activity]) -> list[FieldError]:
    """What is wrong with the mappings of a source of this kind; empty where nothing is."""
    return KINDS[kind].adapter.check_mappings(mappings, activities)


def scheme_at(slug: str | None) -> Scheme:
    """How a request to a slug is signed, as far as the kind in its name says; it need not exist."""
    kind = KINDS.get((slug or "").rpartition("-")[0])
    return ORDINARY if kind is None else kind.scheme


def _adapter(context: ReadingContext) -> Adapter:
    return KINDS[context.source.kind].adapter
