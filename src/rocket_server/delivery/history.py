"""The log of deliveries: read, and sent again by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rocket_server.db.queries import load
from rocket_server.delivery.endpoints import Webhook, refuse_disabled
from rocket_server.delivery.model import AttemptResult, Format, Status
from rocket_server.delivery.outbox import Message, delivery_id
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import first_uuid7

SQL = load(__file__, "history.sql")

Redelivery = Literal["queued", "being_sent"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status` is the receiver's, None where no answer came."""

    number: int
    started_at: datetime
    duration_ms: int
    delivered: bool
    status: int | None
    error: str | None
    answer: str
    next_at: datetime | None
    next_reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook. While it isn't being sent, `due_at` is when the next try may be."""

    endpoint_id: str
    delivery_id: str
    event_id: str
    event: str
    status: Status
    due_at: datetime
    being_sent: bool
    attempts: int
    tries: int
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries a list shows; None lets all pass. Times are those at which events were stored."""

    before: str | None = None  # delivery id of the page before
    status: Status | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    conn: Any, webhook: Webhook, wanted: Wanted, limit: int
) -> list[tuple[Delivery, Attempt | None]]:
    """Deliveries of a webhook with the last attempt of each, the newest event first."""
    rows = await conn.fetch(
        SQL["page"],
        webhook.organisation_id,
        webhook.endpoint_id,
        wanted.before,
        wanted.status,
        wanted.event,
        wanted.since and first_uuid7(wanted.since),
        wanted.until and first_uuid7(wanted.until),
        limit,
    )
    return [
        (Delivery(*values[:11]), Attempt(*values[11:]) if values[11] is not None else None)
        for values in (tuple(row) for row in rows)
    ]


async def find(conn: Any, organisation_id: str, wanted: str) -> tuple[Delivery, bool, Format]:
    """A delivery, whether its webhook is enabled, and the webhook's format. Raises NotFound."""
    row = await conn.fetchrow(SQL["find"], organisation_id, wanted)
    if row is None:
        raise NotFound("There is no such delivery.")
    return Delivery(*tuple(row)[:11]), row["enabled"], row["format"]


async def attempts(
    conn: Any, organisation_id: str, delivery: Delivery, before: int | None, limit: int
) -> list[Attempt]:
    """A delivery's attempts, the newest first."""
    key = (organisation_id, delivery.endpoint_id, delivery.delivery_id)
    return [Attempt(*row) for row in await conn.fetch(SQL["attempts"], *key, before, limit)]


async def redeliver(
    conn: Any, organisation_id: str, wanted: str, *, is_there: bool
) -> tuple[Delivery, Redelivery]:
    """Queue a delivery again under its id, in place of a try that it waits for.

    `is_there` says whether its event is still stored. One that is being sent at this moment stays as it is.
    Raises NotFound, and Conflict where the webhook is disabled or the event is gone.
    """
    found, _, _ = await find(conn, organisation_id, wanted)
    key = (organisation_id, found.endpoint_id, found.delivery_id)
    await conn.fetchval(SQL["lock"], *key)
    found, enabled, _ = await find(conn, organisation_id, wanted)
    if found.being_sent:
        return found, "being_sent"
    refuse_disabled(enabled, found.endpoint_id)
    if not is_there:
        raise Conflict(
            "The event of this delivery isn't stored any more, so there is nothing that could be sent."
        )
    await conn.execute(SQL["queue_again"], *key)
    found, _, _ = await find(conn, organisation_id, wanted)
    return found, "queued"


async def add_sent(conn: Any, webhook: Webhook, message: Message, outcome: AttemptResult) -> str:
    """Log a message that was sent to a webhook at once and only once; the id of its delivery."""
    made = delivery_id(message.event_id, webhook.endpoint_id)
    key = (webhook.organisation_id, webhook.endpoint_id, made)
    await conn.execute(
        SQL["add_told"],
        webhook.organisation_id,
        message.event_id,
        message.event,
        message.body,
        outcome.started_at,
    )
    status = "delivered" if outcome.delivered else "exhausted"
    await conn.execute(SQL["add_done"], *key, message.event_id, message.event, status, outcome.started_at)
    await conn.execute(
        SQL["add_attempt"],
        *key,
        outcome.started_at,
        outcome.duration_ms,
        outcome.delivered,
        outcome.status,
        outcome.error,
        outcome.answer.replace("\x00", "�"),
        "sent by hand as a test, which is tried once",
    )
    return made
