"""What every kind of source has in common: what its adapter may know, and what it has to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from rocket_server import catalogue
from rocket_server.catalogue import Activity
from rocket_server.errors import FieldError
from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources.signatures import ORDINARY, Scheme
from rocket_server.sources.times import MAX_AHEAD_S, parse_time


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """All that an adapter may know beside the body: it has no database, no network and no clock.

    `timezone` is the organisation's, for times without an offset. `received_at` is aware; times up to
    `max_ahead_s` after it are believed.
    """

    source: Source
    timezone: ZoneInfo
    received_at: datetime
    max_ahead_s: int = MAX_AHEAD_S
    own_activities: Mapping[str, Activity] | None = None  # a catalogue that isn't the bundled one

    @property
    def activities(self) -> Mapping[str, Activity]:
        """The catalogue of Moodle activities, by event name."""
        return self.own_activities if self.own_activities is not None else catalogue.load()

    def time(self, value: Any) -> datetime:
        """The moment that a body names, in UTC; else Fault."""
        return parse_time(
            value, timezone=self.timezone, received_at=self.received_at, max_ahead_s=self.max_ahead_s
        )


class Adapter(Protocol):
    """Reads one kind of source. A module with these four functions is one."""

    def read(self, fields: dict[str, Any], context: ReadingContext, /) -> Event:
        """The event in a body. Raises InvalidPayload, in words for an administrator.

        An event that is unknown, nobody's or filtered is no error: its `ignored` says why it doesn't count.
        """

    def reread(self, received: dict[str, Any], context: ReadingContext, /) -> Event:
        """The event in a stored `Event.received`, by the source's present mappings and filters.

        `read` itself, where that stores the body as it came.
        """

    def merge(self, first: Mapping[str, Any], second: Mapping[str, Any], /) -> dict[str, Any]:
        """Two `Event.received` of one event in one. `filled_up`, where nothing else is to be said."""

    def check_mappings(self, mappings: Any, activities: Mapping[str, Activity], /) -> list[FieldError]:
        """What is wrong with the mappings of a source; empty where nothing is. `no_mappings`, where the kind
        takes none."""


def filled_up(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two bodies of one event in one: what the first lacks comes from the second."""
    return {**second, **first}


def no_mappings(mappings: Any, activities: Mapping[str, Activity]) -> list[FieldError]:
    """The check of a kind of source that takes no mappings."""
    return [FieldError("mappings", "must be empty: sources of this kind take none")] if mappings else []


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table of kinds."""

    adapter: Adapter
    is_catalogued: bool = False  # reads by the catalogue of Moodle activities, and takes Moodle's mappings
    lists: bool = False  # its platforms may send several events in one body
    scheme: Scheme = ORDINARY  # how its platforms sign
