"""Writes what is to be told, in the transaction of what caused it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.delivery import filters
from rocket_server.delivery.filters import Filter
from rocket_server.events.model import Event
from rocket_server.events.wanted import OPERATIONAL, wants
from rocket_server.ids import uuid7
from rocket_server.organisations import zones
from rocket_server.pace import Pace
from rocket_server.times import rfc3339

log = structlog.get_logger(__name__)

SQL = load(__file__, "outbox.sql")

# For how long deliveries to all endpoints, whose filters are asked, may be made of one set of messages.
_BUDGET_S = 10.0
_DELIVERY_WEIGHT = 10  # what making one costs, in comparisons of values

_COLUMNS = ("organisation_id", "endpoint_id", "delivery_id", "event_id", "event")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver and the events it wants: names, `quiz.*` for all that begin so, `*` for all of learners."""

    endpoint_id: str
    events: frozenset[str]
    filter: Filter | None = None
    weight: int = _DELIVERY_WEIGHT  # what an event costs here, in comparisons of values

    def wants(self, event: str) -> bool:
        """Whether its patterns have an event of that name."""
        return wants(self.events, event)

    def takes(self, view: Event) -> bool:
        """Whether its patterns have this event and its filters let it pass. `view` is made by one of the
        functions of `delivery/filters.py`."""
        return self.wants(view.event) and (self.filter is None or self.filter(view))


# A struct, not a dataclass: one is made for every event.
class Message(msgspec.Struct, frozen=True):
    """Something to tell. `body` is None for a learning event, whose row in `events` has all of it; filters
    then look at `learned` and at the `points` that it earned.

    What is told about an endpoint never goes to that endpoint itself: `about` names it. `again` where it may
    have been told before, under the same id.
    """

    event_id: str
    event: str
    body: dict[str, Any] | None = None
    about: str | None = None
    learned: Event | None = None
    points: int = 0
    again: bool = False

    def view(self, now: datetime) -> Event:
        """What filters see of it."""
        if self.learned is not None:
            return filters.view(self.learned, self.points)
        return filters.view_of_body(self.body or {}, self.event, now)


def told(
    event: str,
    user_id: str | None,
    now: datetime,
    properties: Mapping[str, Any],
    *,
    points_awarded: int | None = 0,
    about: str | None = None,
    message_id: str | None = None,
) -> Message:
    """A message about what isn't a learning event, such as a rank that changed. `now` is when it happened."""
    message_id = message_id or uuid7()
    body = {
        "id": message_id,
        "event": event,
        "user_id": user_id,
        "timestamp": rfc3339(now),
        "properties": properties,
        "points_awarded": points_awarded,
    }
    return Message(message_id, event, body, about)


def delivery_id(event_id: str, endpoint_id: str) -> str:
    """The id of an event's delivery to an endpoint, a UUID: always the same, and sorted as the events are.

    The first 48 bits are the event's (a UUIDv7's milliseconds), the rest is a hash of both ids under version
    8 of RFC 9562. So whoever sends an event to an endpoint again, by retry, by hand or to recover what was
    missed, does so under the same `webhook-id`, and no index has to find it.
    """
    digest = hashlib.blake2b(f"{event_id}{endpoint_id}".encode(), digest_size=10).hexdigest()
    variant = f"{0x8 | int(digest[3], 16) & 0x3:x}"
    return f"{event_id[:13]}-8{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"


async def endpoints(conn: Any, organisation_id: str, endpoint_id: str | None = None) -> tuple[Endpoint, ...]:
    """The enabled endpoints of an organisation, or the one of an id, whether or not it is enabled. Plugins
    that no worker has any more aren't among them."""
    rows = await conn.fetch(SQL["endpoints"], organisation_id, endpoint_id)
    return tuple(_endpoint(row) for row in rows)


def _endpoint(row: Any) -> Endpoint:
    passes: Filter | None = None
    weight = _DELIVERY_WEIGHT
    if row["filters"]:
        try:
            weight += filters.weight(row["filters"])
            passes = filters.compile_filters(row["filters"], zones.zone(row["timezone"]))
        except ValueError as error:
            # They were good when they were stored. What they would let pass isn't known any more, and telling
            # too much can't be undone, while what wasn't told can be recovered.
            log.error("endpoint_filters_unreadable", endpoint_id=row["endpoint_id"], error=str(error))
            passes = _nothing
    return Endpoint(row["endpoint_id"], frozenset(row["events"]), passes, weight)


def _nothing(_view: Event) -> bool:
    return False


async def enqueue(
    conn: Any, organisation_id: str, endpoints: Sequence[Endpoint], messages: Sequence[Message], now: datetime
) -> int:
    """Write one delivery for each message and endpoint that wants it, due at once by the database's clock;
    how many these are.

    A message's own body is kept also where nobody wants it yet: a later endpoint may recover it. A delivery
    that is there already is left as it is, whether it waits, was made or was given up.
    """
    pace = Pace(_BUDGET_S)
    views: dict[str, Event] = {}
    bodies = [
        (organisation_id, message.event_id, message.event, message.body, now)
        for message in messages
        if message.body is not None
    ]
    await add_rows(conn, "messages", ("organisation_id", "event_id", "event", "body", "created_at"), bodies)
    new: list[tuple[Any, ...]] = []
    again: list[tuple[Any, ...]] = []
    for endpoint in endpoints:
        for message in await _wanted(endpoint, messages, views, now, pace):
            identity = delivery_id(message.event_id, endpoint.endpoint_id)
            (again if message.again else new).append(
                (organisation_id, endpoint.endpoint_id, identity, message.event_id, message.event)
            )
            if pace.is_due():
                await pace.rest()
    await add_rows(conn, "deliveries", _COLUMNS, new)
    if again:
        _, endpoint_ids, delivery_ids, event_ids, names = map(list, zip(*again, strict=True))
        await conn.execute(SQL["add_missing"], organisation_id, endpoint_ids, delivery_ids, event_ids, names)
    return len(new) + len(again)


async def _wanted(
    endpoint: Endpoint, messages: Sequence[Message], views: dict[str, Event], now: datetime, pace: Pace
) -> list[Message]:
    """The messages for an endpoint. `views` keeps what filters see of them from one endpoint to the next."""
    wanted = [
        message
        for message in messages
        if endpoint.endpoint_id != message.about and endpoint.wants(message.event)
    ]
    passes = endpoint.filter
    if passes is None:
        return wanted
    passing = []
    for message in wanted:
        view = views.get(message.event_id)
        if view is None:
            view = views[message.event_id] = message.view(now)
        if passes(view):
            passing.append(message)
        if pace.is_due():
            await pace.rest()
    return passing


def is_operational(event: str) -> bool:
    """Whether an event is what the server tells about its own deliveries."""
    return event.startswith(OPERATIONAL)


async def backlog(conn: Any) -> tuple[int, int]:
    """Deliveries that are due (10,000 stands for more), and since how many seconds the oldest of these is."""
    row = await conn.fetchrow(SQL["backlog"])
    return row[0], row[1]
