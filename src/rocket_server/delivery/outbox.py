"""Writes what is to be told, in the transaction of what caused it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load

SQL = load(__file__, "outbox.sql")

_COLUMNS = ("organisation_id", "endpoint_id", "delivery_id", "event_id", "event", "due_at")

# What the server tells about itself. It goes only to endpoints that name it: `*` means what learners do, and
# a receiver of everything shouldn't hear of another receiver's troubles.
OPERATIONAL: Final = ("endpoint.", "delivery.", "webhook.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver and the events it wants: names, `quiz.*` for all that begin so, `*` for all of learners."""

    endpoint_id: str
    events: frozenset[str]

    def wants(self, event: str) -> bool:
        """Whether its patterns have an event of that name."""
        if event in self.events:
            return True
        domain = f"{event.partition('.')[0]}.*"
        return domain in self.events or ("*" in self.events and not event.startswith(OPERATIONAL))


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell. `body` is None for a learning event, whose row in `events` has all of it.

    What is told about an endpoint never goes to that endpoint itself: `about` names it.
    """

    event_id: str
    event: str
    body: dict[str, Any] | None = None
    about: str | None = None


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
    """The enabled endpoints of an organisation, or the one of an id, whether or not it is enabled."""
    rows = await conn.fetch(SQL["endpoints"], organisation_id, endpoint_id)
    return tuple(Endpoint(row["endpoint_id"], frozenset(row["events"])) for row in rows)


async def enqueue(
    conn: Any, organisation_id: str, endpoints: Sequence[Endpoint], messages: Sequence[Message], now: datetime
) -> int:
    """Write one delivery for each message and endpoint that wants it; how many these are.

    A message's own body is kept also where nobody wants it yet: a later endpoint may recover it.
    """
    bodies = [
        (organisation_id, message.event_id, message.event, message.body, now)
        for message in messages
        if message.body is not None
    ]
    await add_rows(conn, "messages", ("organisation_id", "event_id", "event", "body", "created_at"), bodies)
    deliveries = [
        (
            organisation_id,
            endpoint.endpoint_id,
            delivery_id(message.event_id, endpoint.endpoint_id),
            message.event_id,
            message.event,
            now,
        )
        for endpoint in endpoints
        for message in messages
        if endpoint.endpoint_id != message.about and endpoint.wants(message.event)
    ]
    await add_rows(conn, "deliveries", _COLUMNS, deliveries)
    return len(deliveries)


def is_operational(event: str) -> bool:
    """Whether an event is what the server tells about its own deliveries."""
    return event.startswith(OPERATIONAL)


async def backlog(conn: Any) -> tuple[int, int]:
    """Deliveries that are due (10,000 stands for more), and since how many seconds the oldest of these is."""
    row = await conn.fetchrow(SQL["backlog"])
    return row[0], row[1]
