"""Writes what is to be told, in the transaction of what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.ids import uuid7s

SQL = load(__file__, "outbox.sql")

_COLUMNS = ("organisation_id", "delivery_id", "endpoint_id", "event_id", "event", "body", "due_at")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver and the names of the events it wants; `*` stands for all."""

    endpoint_id: str
    events: frozenset[str]

    def wants(self, event: str) -> bool:
        return "*" in self.events or event in self.events


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell. `body` is None for a learning event, whose row in `events` has all of it."""

    event_id: str
    event: str
    body: dict[str, Any] | None = None


async def endpoints(conn: Any, organisation_id: str) -> tuple[Endpoint, ...]:
    """The enabled endpoints of an organisation."""
    rows = await conn.fetch(SQL["endpoints"], organisation_id)
    return tuple(Endpoint(row["endpoint_id"], frozenset(row["events"])) for row in rows)


async def enqueue(
    conn: Any, organisation_id: str, endpoints: Sequence[Endpoint], messages: Sequence[Message], now: datetime
) -> int:
    """Write one delivery for each message and endpoint that wants it; how many these are."""
    if not endpoints or not messages:
        return 0
    wanted = [
        (endpoint.endpoint_id, message)
        for message in messages
        for endpoint in endpoints
        if endpoint.wants(message.event)
    ]
    deliveries = [
        (organisation_id, delivery_id, endpoint_id, message.event_id, message.event, message.body, now)
        for delivery_id, (endpoint_id, message) in zip(uuid7s(len(wanted)), wanted, strict=True)
    ]
    await add_rows(conn, "deliveries", _COLUMNS, deliveries)
    return len(deliveries)


async def backlog(conn: Any) -> tuple[int, int]:
    """Deliveries that are due (10,000 stands for more), and since how many seconds the oldest of these is."""
    row = await conn.fetchrow(SQL["backlog"])
    return row[0], row[1]
