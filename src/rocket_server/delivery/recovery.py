"""Queues again what an endpoint missed: everything between two times that was never delivered to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from rocket_server.db.halves import in_savepoints, is_nobodys
from rocket_server.db.pool import Database
from rocket_server.db.queries import load
from rocket_server.delivery import filters, outbox
from rocket_server.events.model import Event
from rocket_server.ids import FIRST_ID, LAST_ID, first_uuid7
from rocket_server.pace import Pace

log = structlog.get_logger(__name__)

SQL = load(__file__, "recovery.sql")

PIECE: Final = 1_000  # events
Queue = Callable[[Any, str, str, Sequence[tuple[str, str]], datetime], Awaitable[int]]

_BUDGET_S: Final = 20.0  # for asking filters about them


async def running(conn: Any, after: tuple[str, ...] | None, limit: int) -> list[tuple[str, str]]:
    """The next organisations and endpoints, behind `after`, whose recovery isn't finished."""
    after = after or (FIRST_ID, FIRST_ID)
    return [(row[0], row[1]) for row in await conn.fetch(SQL["running"], *after, limit)]


async def recover(database: Database, organisation_id: str, endpoint_id: str) -> bool:
    """Do the next piece; what can't be asked about is logged and left out. Whether there may be another."""
    try:
        return await database.run(lambda conn: recover_piece(conn, organisation_id, endpoint_id))
    except Exception as error:
        if is_nobodys(error):
            raise
        return await database.run(
            lambda conn: recover_piece(conn, organisation_id, endpoint_id, queue=_queue_apart)
        )


async def recover_piece(
    conn: Any, organisation_id: str, endpoint_id: str, piece: int = PIECE, queue: Queue | None = None
) -> bool:
    """Queue the next piece of an endpoint's recovery; whether it may have another.

    A piece is `piece` events and as many messages at most. Events received from `since` and before `until`
    that the endpoint wants get the delivery that they would have had, whether or not the endpoint was enabled
    then; deliveries that were given up are queued anew with all their tries. What was delivered, or waits,
    is left alone. Nothing is done while transactions run that were running when the recovery was asked for:
    what they store is looked at as well, and they may have begun before the endpoint was enabled.
    """
    found = await conn.fetchrow(SQL["lock"], organisation_id, endpoint_id)
    if found is None or found["waits"]:
        return False
    above = found["position"] or first_uuid7(found["since"])
    # Up to now: whatever there is, also from a server whose clock is ahead, or from one that took long to
    # commit.
    below = LAST_ID if found["up_to_now"] else first_uuid7(found["until"])
    events = await conn.fetch(SQL["events"], organisation_id, above, below, piece)
    messages = await conn.fetch(SQL["messages"], organisation_id, above, below, piece)
    # Where one of them goes on, the other is only looked at as far as that one was.
    ends = [rows[-1]["event_id"] for rows in (events, messages) if len(rows) == piece]
    position = min(ends, default=None)
    wanted = [
        (row["event_id"], row["event"])
        for row in (
            *(row for row in events if row["processed"]),
            *(row for row in messages if not _is_about(row, endpoint_id)),
        )
        if position is None or row["event_id"] <= position
    ]
    queued = await (queue or _queue)(conn, organisation_id, endpoint_id, wanted, found["now"])
    finished_at = found["now"] if position is None else None
    await conn.execute(
        SQL["advance"], organisation_id, endpoint_id, found["recovery_id"], position, queued, finished_at
    )
    return position is not None


async def _queue(
    conn: Any, organisation_id: str, endpoint_id: str, events: Sequence[tuple[str, str]], now: datetime
) -> int:
    (endpoint,) = await outbox.endpoints(conn, organisation_id, endpoint_id)
    events = [(event_id, event) for event_id, event in events if endpoint.wants(event)]
    if endpoint.filter is not None and events:
        views = await _views(conn, organisation_id, [event_id for event_id, _ in events])
        taken = []
        pace = Pace(_BUDGET_S)
        for event_id, event in events:
            if event_id in views and endpoint.takes(views[event_id]):
                taken.append((event_id, event))
            if pace.is_due():
                await pace.rest()
        events = taken
    if not events:
        return 0
    return int(
        await conn.fetchval(
            SQL["queue"],
            organisation_id,
            endpoint_id,
            [outbox.delivery_id(event_id, endpoint_id) for event_id, _ in events],
            [event_id for event_id, _ in events],
            [event for _, event in events],
            now,
        )
    )


async def _queue_apart(
    conn: Any, organisation_id: str, endpoint_id: str, events: Sequence[tuple[str, str]], now: datetime
) -> int:
    """As `_queue`, where that fails because of some of them."""
    queued = 0

    async def work(part: Sequence[tuple[str, str]]) -> None:
        nonlocal queued
        queued += await _queue(conn, organisation_id, endpoint_id, part, now)

    def skip(event: tuple[str, str], error: Exception) -> None:
        log.error("not_recovered", organisation_id=organisation_id, event_id=event[0], exc_info=error)

    await in_savepoints(conn, events, work, skip)
    return queued


async def _views(conn: Any, organisation_id: str, event_ids: Sequence[str]) -> dict[str, Event]:
    """What filters see of stored events and messages, by id."""
    found = await conn.fetch(SQL["views_of_events"], organisation_id, event_ids)
    views = {row["event_id"]: filters.view_of_stored(row) for row in found}
    for row in await conn.fetch(SQL["views_of_messages"], organisation_id, event_ids):
        views[row["event_id"]] = filters.view_of_body(row["body"], row["event"], row["created_at"])
    return views


def _is_about(message: Any, endpoint_id: str) -> bool:
    return outbox.is_operational(message["event"]) and message["about"] == endpoint_id
