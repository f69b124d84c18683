"""Lets the standings follow the ledger: a bounded piece at a time, exact whatever the order of commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.ids import FIRST_ID, LAST_ID
from rocket_server.organisations import store as organisations

SQL = load(__file__, "refresh.sql")

# An entry's id is made before its transaction commits. What commits later than this is found by the sweep.
CONFIRM_AFTER: Final = timedelta(seconds=30)
SWEEP_EVERY: Final = timedelta(hours=1)

_ENTRIES = 5_000  # looked at in one piece, each of the two times
_ACCOUNTS = 2_000  # swept in one piece
_ENTRIES_OF_LEARNER = 200  # counted in one round; who has more comes again in the next
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """What one piece of work did: entries counted, and whether more is known to wait."""

    counted: int
    more: bool


async def due(conn: Any, now: datetime, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The next organisations, behind `after`, whose standings are behind."""
    (before,) = after or (FIRST_ID,)
    rows = await conn.fetch(SQL["due"], now - SWEEP_EVERY, floor_id(now - CONFIRM_AFTER), before, limit)
    return [(row[0],) for row in rows]


async def refresh(conn: Any, organisation_id: str, now: datetime) -> Progress:
    """Do one bounded piece in the caller's transaction. Does nothing where another worker is at it."""
    timezone = str((await organisations.read(conn, organisation_id)).timezone)
    await conn.execute(SQL["begin"], organisation_id, timezone, floor_id(now - CONFIRM_AFTER))
    state = await conn.fetchrow(SQL["claim"], organisation_id)
    if state is None:
        return Progress(0, False)
    if state["timezone"] != timezone:  # days begin elsewhere now
        await conn.execute(SQL["forget_all"], organisation_id, timezone)
        return Progress(0, True)
    fresh = await _between(conn, organisation_id, state["position"], LAST_ID)
    again = await _between(conn, organisation_id, state["confirmed"], floor_id(now - CONFIRM_AFTER))
    swept: list[str] = []
    sweeping = state["swept_to"] is not None or _is_old(state["swept_at"], now)
    if sweeping:
        rows = await conn.fetch(
            SQL["accounts_after"], organisation_id, state["swept_to"] or FIRST_ID, _ACCOUNTS
        )
        swept = [row[0] for row in rows]
    counted = await _count(
        conn, organisation_id, timezone, {*(learner for _, learner in (*fresh, *again)), *swept}
    )
    sweep_ends = sweeping and len(swept) < _ACCOUNTS
    await conn.execute(
        SQL["keep_state"],
        organisation_id,
        fresh[-1][0] if fresh else state["position"],
        again[-1][0] if again else state["confirmed"],
        None if sweep_ends or not swept else swept[-1],
        now if sweep_ends else state["swept_at"],
    )
    full = len(fresh) == _ENTRIES or len(again) == _ENTRIES
    return Progress(counted, full or (sweeping and not sweep_ends))


async def recount(conn: Any, organisation_id: str, learner_ids: Sequence[str]) -> None:
    """Count all that learners ever earned anew, in the caller's transaction: after they were merged, made
    anonymous, hidden or shown again. Who is hidden has no place afterwards."""
    timezone = await conn.fetchval(SQL["lock"], organisation_id)
    if timezone is not None:  # else nothing was ever counted
        rows = await conn.fetch(SQL["with_merged"], organisation_id, learner_ids)
        learner_ids = [row[0] for row in rows]
        await conn.execute(SQL["forget_learners"], organisation_id, learner_ids)
        await _count(conn, organisation_id, timezone, learner_ids)


async def set_display(conn: Any, organisation_id: str, learner_id: str, display: str) -> bool:
    """How a learner appears: `shown`, `anonymous` (a place without a name) or `hidden` (no place); whether it
    was otherwise before."""
    before = await conn.fetchval(SQL["set_display"], organisation_id, learner_id, display)
    if "hidden" in (before, display) and before != display:
        await recount(conn, organisation_id, [learner_id])
    return bool(before != display)


def floor_id(time: datetime) -> str:
    """The UUIDv7 before all that were made at `time` or later."""
    digits = f"{int(time.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


async def _count(conn: Any, organisation_id: str, timezone: str, learners: Iterable[str]) -> int:
    counted = 0
    waiting = list(learners)
    for _ in range(_ROUNDS):
        rows = await conn.fetch(SQL["behind"], organisation_id, waiting)
        waiting = [row[0] for row in rows]
        if not waiting:
            break
        counted += await conn.fetchval(
            SQL["count_entries"], organisation_id, waiting, timezone, _ENTRIES_OF_LEARNER
        )
    return counted


async def _between(conn: Any, organisation_id: str, after: str, before: str) -> list[tuple[str, str]]:
    rows = await conn.fetch(SQL["learners_between"], organisation_id, after, before, _ENTRIES)
    return [(row[0], row[1]) for row in rows]


def _is_old(swept_at: datetime | None, now: datetime) -> bool:
    return swept_at is None or swept_at < now - SWEEP_EVERY
