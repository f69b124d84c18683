"""Removes old deliveries, attempts, messages and recoveries, a bounded piece at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.ids import FIRST_ID, first_uuid7

SQL = load(__file__, "retention.sql")

PIECE: Final = 2_000  # rows that one transaction removes
_EVERYTHING: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_PIECES: Final = 500  # of one turn of an organisation

# Calls its argument with a connection in a transaction of its own, and answers what that answers.
Run = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]


async def trim(
    run: Run, organisation_id: str, keep: timedelta, now: datetime, piece: int = PIECE
) -> tuple[int, bool]:
    """Remove of one organisation what is older than `keep`, in a bounded number of pieces; the number of rows
    of deliveries and messages, and whether more may be left.

    Deliveries that wait are removed too: their endpoint was disabled for all that time. What belonged to
    endpoints that were deleted goes at once.
    """
    before = now - keep
    removed, pieces, endpoint_id = 0, 0, FIRST_ID
    while True:
        found = await run(_fetchrow("next_endpoint", organisation_id, endpoint_id))
        if found is None:
            break
        endpoint_id = found["endpoint_id"]
        # A delivery's id begins with its event's time.
        limits = (
            (first_uuid7(before), before) if found["is_there"] else (_EVERYTHING, now + timedelta(days=1000))
        )
        full = True
        while full:
            if pieces == _PIECES:
                return removed, True
            (count,) = await run(_fetchrow("remove_deliveries", organisation_id, endpoint_id, *limits, piece))
            removed, pieces, full = removed + count, pieces + 1, count == piece
    full = True
    while full:
        if pieces == _PIECES:
            return removed, True
        (count,) = await run(_fetchrow("remove_messages", organisation_id, first_uuid7(before), piece))
        removed, pieces, full = removed + count, pieces + 1, count == piece
    await run(lambda conn: conn.execute(SQL["remove_recoveries"], organisation_id, before))
    return removed, False


def _fetchrow(query: str, *arguments: Any) -> Callable[[Any], Awaitable[Any]]:
    async def work(conn: Any) -> Any:
        return await conn.fetchrow(SQL[query], *arguments)

    return work
