"""Tells when the time of a badge is over: once for each award, also where it was given again meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.ids import FIRST_ID
from rocket_server.times import rfc3339

SQL = load(__file__, "expired_badges.sql")

EXPIRED: Final = "badge.expired"
_AT_ONCE: Final = 500  # awards of one piece


async def due(conn: Any, now: datetime, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The next organisations, behind `after`, with awards whose time is over."""
    (before,) = after or (FIRST_ID,)
    return [(row[0],) for row in await conn.fetch(SQL["due"], now, before, limit)]


async def tell(conn: Any, organisation_id: str, now: datetime) -> bool:
    """Tell of a bounded piece in the caller's transaction; whether more waits.

    An award that was taken back before is told as that alone, and nothing is told of who was anonymised.
    Awards at which another worker is are left to it.
    """
    rows = await conn.fetch(SQL["expired"], organisation_id, now, _AT_ONCE)
    if not rows:
        return False
    await conn.execute(SQL["told"], organisation_id, [row["award_id"] for row in rows])
    messages = [_message(row) for row in rows if row["status"] != "anonymised"]
    if messages:
        endpoints = await outbox.endpoints(conn, organisation_id)
        await outbox.enqueue(conn, organisation_id, endpoints, messages, now)
    return len(rows) == _AT_ONCE


def _message(row: Any) -> Message:
    properties = {
        "badge_id": row["badge_id"],
        "badge_name": row["name"],
        "award_id": row["award_id"],
        "awarded_at": rfc3339(row["awarded_at"]),
    }
    return outbox.told(EXPIRED, row["user_id"], row["expires_at"], properties)
