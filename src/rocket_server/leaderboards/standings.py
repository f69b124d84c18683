"""Reads a board: the best, those around one learner, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rocket_server.db.queries import load

SQL = load(__file__, "standings.sql")

_BEST: Final = (2**62, "ffffffff-ffff-ffff-ffff-ffffffffffff")


@dataclass(frozen=True, slots=True)
class Place:
    """One learner on a board. Equal points share a rank; the next one counts all before it: 1, 2, 2, 4."""

    rank: int
    points: int
    learner_id: str
    user_id: str
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """How many learners stand on a board, and the time up to which it is known (None: never counted)."""

    learners: int
    refreshed_at: datetime | None


async def top(
    conn: Any, organisation_id: str, board: str, limit: int, after: tuple[int, str] | None = None
) -> list[Place]:
    """The best of a board, or the next after (points, learner_id)."""
    rows = await conn.fetch(SQL["top"], organisation_id, board, *(after or _BEST), limit)
    return await _ranked(conn, organisation_id, board, rows)


async def around(conn: Any, organisation_id: str, board: str, learner_id: str, limit: int) -> list[Place]:
    """A learner and who stands next to them, up to `limit` in all; nobody where they have no place."""
    points = await conn.fetchval(SQL["place"], organisation_id, board, learner_id)
    if points is None:
        return []
    above = await conn.fetch(SQL["above"], organisation_id, board, points, learner_id, limit)
    # As many on each side; where one side is short, more of the other.
    below = await top(conn, organisation_id, board, limit - 1, (points, learner_id)) if limit > 1 else []
    before = min(len(above), max((limit - 1) // 2, limit - 1 - len(below)))
    first = (above[before]["points"], above[before]["learner_id"]) if before < len(above) else None
    return await top(conn, organisation_id, board, limit, first)


async def totals(conn: Any, organisation_id: str, board: str) -> Totals:
    """How many there are, and how fresh it is."""
    row = await conn.fetchrow(SQL["totals"], organisation_id, board)
    return Totals(row["learners"], row["refreshed_at"])


async def _ranked(conn: Any, organisation_id: str, board: str, rows: Sequence[Any]) -> list[Place]:
    if not rows:
        return []
    points = sorted({row["points"] for row in rows}, reverse=True)
    ahead = await conn.fetchval(SQL["ahead"], organisation_id, board, points[0])
    found = await conn.fetch(SQL["with_points"], organisation_id, board, points)
    learners = {row["points"]: row["learners"] for row in found}
    ranks = {}
    for value in points:
        ranks[value] = ahead + 1
        ahead += learners[value]
    return [
        Place(ranks[row["points"]], row["points"], row["learner_id"], row["user_id"], row["anonymous"])
        for row in rows
    ]
