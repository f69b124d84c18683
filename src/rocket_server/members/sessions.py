"""Where members are signed in, and the browsers in which they were before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.db.queries import load
from rocket_server.ids import uuid7
from rocket_server.members.model import (
    IDLE,
    LASTS,
    MAX_SESSIONS,
    Member,
    Session,
    Visit,
    new_secret,
    secret_hash,
)

SQL = load(__file__, "sessions.sql")

_MEMBER_COLUMNS = 10


@dataclass(frozen=True, slots=True)
class From:
    """Where a request comes from: an address and what the browser says of itself."""

    address: str | None = None
    browser: str = ""


async def begin(
    conn: Any,
    member: Member,
    organisation_id: str | None,
    where: From,
    now: datetime,
    *,
    awaits_code: bool,
    by_link: bool,
) -> tuple[str, str]:
    """Sign a member in: what the browser is to hold, and the session's id. What is over is removed."""
    secret, session_id = new_secret(), uuid7()
    await conn.execute(
        SQL["add"],
        secret_hash(secret),
        session_id,
        member.member_id,
        organisation_id,
        awaits_code,
        by_link,
        where.address,
        where.browser[:200],
        now,
        now + LASTS,
    )
    await conn.execute(SQL["tidy"], member.member_id, now, now - IDLE, MAX_SESSIONS)
    return secret, session_id


async def visit(conn: Any, secret: str, now: datetime) -> Visit | None:
    """Who holds this; None where the session is over, or the member may sign in no more."""
    row = await conn.fetchrow(SQL["visit"], secret_hash(secret), now, now - IDLE)
    if row is None:
        return None
    values = tuple(row)
    return Visit(Member(*values[:_MEMBER_COLUMNS]), Session(*values[_MEMBER_COLUMNS:]))


async def seen(conn: Any, session_id: str, now: datetime) -> None:
    """Say that somebody was here."""
    await conn.execute(SQL["seen"], session_id, now)


async def renew(conn: Any, session_id: str, *, awaits_code: bool, by_link: bool) -> str | None:
    """Another secret for the same session; None where it ended meanwhile."""
    secret = new_secret()
    found = await conn.fetchval(SQL["renew"], session_id, secret_hash(secret), awaits_code, by_link)
    return None if found is None else secret


async def look_at(conn: Any, session_id: str, organisation_id: str) -> None:
    """Let a super_admin's session look at another organisation."""
    await conn.execute(SQL["look_at"], session_id, organisation_id)


async def of_member(conn: Any, member_id: str, now: datetime) -> list[Session]:
    """Where a member is signed in, the latest first."""
    rows = await conn.fetch(SQL["of_member"], member_id, now, now - IDLE, MAX_SESSIONS)
    return [Session(*row) for row in rows]


async def end(conn: Any, member_id: str, session_id: str) -> bool:
    """End one session of a member; False where there is none such."""
    return await conn.fetchval(SQL["end"], member_id, session_id) is not None


async def end_all(conn: Any, member_id: str, but: str | None = None) -> int:
    """End all sessions of a member, but for one; how many there were."""
    return len(await conn.fetch(SQL["end_all"], member_id, but))


async def known_browser(conn: Any, member_id: str, secret: str | None) -> str | None:
    """Which known browser of a member holds this."""
    if secret is None:
        return None
    found: str | None = await conn.fetchval(SQL["browser"], secret_hash(secret), member_id)
    return found


async def remember_browser(conn: Any, member_id: str, browser_id: str | None, now: datetime) -> str | None:
    """Note that a member has signed in here; what a browser that wasn't known is to hold from now on."""
    if browser_id is not None:
        await conn.execute(SQL["browser_used"], browser_id, now)
        return None
    secret = new_secret()
    await conn.execute(SQL["add_browser"], secret_hash(secret), uuid7(), member_id, now)
    await conn.execute(SQL["tidy_browsers"], member_id, MAX_SESSIONS)
    return secret


async def forget_browsers(conn: Any, member_id: str) -> None:
    """Know no browser of a member any more."""
    await conn.execute(SQL["forget_browsers"], member_id)
