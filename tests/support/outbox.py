"""Endpoints and deliveries as rows, for tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.ids import uuid7, uuid7s
from rocket_server.organisations import store

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOWHERE = "http://127.0.0.1:9/"


async def make_organisation(conn: Any, name: str = "Main") -> str:
    """A bare organisation; its id."""
    return (await store.create(conn, name=name)).organisation_id


async def make_endpoint(
    conn: Any, organisation_id: str, url: str | None = NOWHERE, events: Sequence[str] = ("*",), **columns: Any
) -> str:
    """An enabled endpoint with a secret; its id. `columns` are those of the table."""
    endpoint_id = uuid7()
    row = {
        "organisation_id": organisation_id,
        "endpoint_id": endpoint_id,
        "kind": "webhook",
        "url": url,
        "events": list(events),
        "timeout_ms": 10_000,
        **columns,
    }
    marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await conn.execute(f"INSERT INTO endpoints ({', '.join(row)}) VALUES ({marks})", *row.values())
    await conn.execute("INSERT INTO endpoint_states VALUES ($1, $2)", organisation_id, endpoint_id)
    await conn.execute(
        "INSERT INTO endpoint_secrets VALUES ($1, $2, $3, $4)",
        organisation_id,
        endpoint_id,
        uuid7(),
        SECRET,
    )
    await store.touch(conn, organisation_id)
    return endpoint_id


async def tell(
    conn: Any, organisation_id: str, count: int = 1, event: str = "points.awarded", due_in_s: float = -60
) -> list[str]:
    """Tell all of an organisation's endpoints that want to know of `count` events; the events' ids."""
    now = datetime.now(UTC)
    ids = uuid7s(count)
    messages = [Message(event_id, event, body(event_id, event)) for event_id in ids]
    await outbox.enqueue(conn, organisation_id, await outbox.endpoints(conn, organisation_id), messages, now)
    await conn.execute(
        "UPDATE deliveries SET due_at = now() + $3"
        " WHERE organisation_id = $1 AND event_id = ANY ($2::uuid[])",
        organisation_id,
        ids,
        timedelta(seconds=due_in_s),
    )
    return ids


def body(event_id: str, event: str = "points.awarded") -> dict[str, Any]:
    """A message as it is stored."""
    return {
        "id": event_id,
        "event": event,
        "user_id": "anna",
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {"reason": "for nothing"},
        "points_awarded": 7,
    }
