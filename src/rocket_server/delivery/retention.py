"""Removes old deliveries, attempts, messages and recoveries, a bounded piece at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.ids import first_uuid7

SQL = load(__file__, "retention.sql")

PIECE: Final = 2_000  # rows that one transaction removes
_NOTHING: Final = "00000000-0000-0000-0000-000000000000"
_EVERYTHING: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_PAGE: Final = 500  # organisations

# Calls its argument with a connection in a transaction of its own, and answers what that answers.
Run = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]


async def trim(run: Run, keep: timedelta, now: datetime, piece: int = PIECE) -> int:
    """Remove what is older than `keep` in all organisations; the number of rows of deliveries and messages.

    Deliveries that wait are removed too: their endpoint was disabled for all that time. What belonged to
    endpoints that were deleted goes at once.
    """
    removed, organisation_id = 0, _NOTHING
    while True:
        after = organisation_id
        rows = await run(lambda conn, after=after: conn.fetch(SQL["organisations"], after, _PAGE))  # type: ignore[misc]
        for (organisation_id,) in rows:
            removed += await _trim_one(run, organisation_id, now - keep, now, piece)
        if len(rows) < _PAGE:
            return removed


async def _trim_one(run: Run, organisation_id: str, before: datetime, now: datetime, piece: int) -> int:
    removed, endpoint_id = 0, _NOTHING
    while True:
        found = await run(_fetchrow("next_endpoint", organisation_id, endpoint_id))
        if found is None:
            break
        endpoint_id = found["endpoint_id"]
        # A delivery's id begins with its event's time.
        limits = (
            (first_uuid7(before), before) if found["is_there"] else (_EVERYTHING, now + timedelta(days=1000))
        )
        removed += await _in_pieces(run, "remove_deliveries", organisation_id, endpoint_id, *limits, piece)
    removed += await _in_pieces(run, "remove_messages", organisation_id, first_uuid7(before), piece)
    await run(lambda conn: conn.execute(SQL["remove_recoveries"], organisation_id, before))
    return removed


async def _in_pieces(run: Run, query: str, *arguments: Any) -> int:
    """Repeat a removal, whose last argument is the size of a piece, until one isn't full."""
    removed: int = 0
    piece: int = arguments[-1]
    while True:
        (count,) = await run(_fetchrow(query, *arguments))
        removed += count
        if count < piece:
            return removed


def _fetchrow(query: str, *arguments: Any) -> Callable[[Any], Awaitable[Any]]:
    async def work(conn: Any) -> Any:
        return await conn.fetchrow(SQL[query], *arguments)

    return work
