"""Failed sign-ins, counted so that guessing becomes slow and nobody is locked out by others.

A browser in which the member has signed in before is counted by itself: whatever others try, it is let in
with the right password. For all other browsers together, tries are counted for the address that is typed,
whether it is known or not, and for the network that they come from. (OWASP: "Slow down online guessing
attacks with device cookies".)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rocket_server.db.queries import load
from rocket_server.errors import RateLimitExceeded

SQL = load(__file__, "failures.sql")


@dataclass(frozen=True, slots=True)
class Counted:
    """What tries are counted for: so many are free, then each makes the next wait longer, to `most_s`."""

    name: str
    free: int
    most_s: int
    is_shared: bool = False  # by people who have nothing to do with each other


def of_address(email: str) -> Counted:
    """An address that is typed in browsers that aren't known."""
    digest = hashlib.sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return Counted(f"email:{digest}", free=5, most_s=300)


def of_network(network: str) -> Counted:
    """Where tries come from."""
    return Counted(f"from:{network}"[:100], free=30, most_s=300, is_shared=True)


def of_browser(browser_id: str) -> Counted:
    """A browser that is known."""
    return Counted(f"browser:{browser_id}", free=5, most_s=900)


def of_code(member_id: str, browser_id: str | None) -> Counted:
    """Codes of a second factor, whose password was right; a known browser is again counted by itself."""
    return Counted(f"code:{browser_id or member_id}", free=5, most_s=900)


async def count(conn: Any, counted: Sequence[Counted], now: datetime) -> RateLimitExceeded | None:
    """Count a try, before it is judged; the refusal where one of these has to wait."""
    for one in counted:
        if await conn.fetchval(SQL["count"], one.name, one.free, float(one.most_s), now) is None:
            until = await conn.fetchval(SQL["waits_until"], one.name) or now
            wait_s = max(1, round((until - now) / timedelta(seconds=1)))
            return RateLimitExceeded(f"Too many failed tries. Wait {wait_s} seconds.", wait_s)
    await conn.execute(SQL["tidy"], now - timedelta(days=1))
    return None


async def was_good(conn: Any, counted: Sequence[Counted]) -> None:
    """A try was no failure: what is one person's is forgotten, of what is shared this one try."""
    for one in counted:
        if one.is_shared:
            await conn.execute(SQL["take_back"], one.name, one.free)
        else:
            await conn.execute(SQL["forgive"], one.name)
