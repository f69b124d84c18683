"""Corrections of keys in the database: which papers take whose place, and how far their attempts are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from rocket_server.db.queries import load
from rocket_server.jobs import Key

SQL = load(__file__, "regrades.sql")


class Regrade(msgspec.Struct, frozen=True):
    """A correction. `papers` leads from each paper to the one that takes its place; `seen` and `changed`
    count submitted attempts, `points` is the sum of what was awarded and reversed."""

    regrade_id: str
    question_id: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    papers: dict[str, str]
    seen: int
    changed: int
    points: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None


class Change(msgspec.Struct, frozen=True):
    """What a correction changed in one attempt."""

    attempt_id: str
    score_before: Decimal | None
    score_after: Decimal | None
    result_before: str | None
    result_after: str | None
    points: int


async def papers_with(conn: Any, organisation_id: str, question_id: str, limit: int) -> list[tuple[str, str]]:
    """Papers that have a question and matter, with their tests."""
    rows = await conn.fetch(SQL["papers_with"], organisation_id, question_id, limit)
    return [(row["paper_id"], row["test_id"]) for row in rows]


async def add(conn: Any, organisation_id: str, regrade: Regrade) -> None:
    """Begin a correction."""
    await conn.execute(
        SQL["add"],
        organisation_id,
        regrade.regrade_id,
        regrade.question_id,
        regrade.reason,
        regrade.before,
        regrade.after,
        regrade.papers,
        regrade.created_by,
    )


async def find(conn: Any, organisation_id: str, regrade_id: str) -> Regrade | None:
    """A correction."""
    row = await conn.fetchrow(SQL["find"], organisation_id, regrade_id)
    return None if row is None else Regrade(**dict(row))


async def lock(conn: Any, organisation_id: str, regrade_id: str) -> Regrade | None:
    """A correction, locked until the transaction ends."""
    row = await conn.fetchrow(SQL["lock"], organisation_id, regrade_id)
    return None if row is None else Regrade(**dict(row))


async def running(conn: Any, organisation_id: str) -> str | None:
    """The organisation's correction that isn't finished."""
    found: str | None = await conn.fetchval(SQL["running"], organisation_id)
    return found


async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
    """Organisations with a correction that isn't finished, for a job."""
    rows = await conn.fetch(SQL["due"], after[0] if after else None, limit)
    return [(row["organisation_id"],) for row in rows]


async def pending(conn: Any, organisation_id: str, paper_ids: Collection[str], limit: int) -> list[str]:
    """Attempts that still belong to papers whose place was taken."""
    rows = await conn.fetch(SQL["pending"], organisation_id, list(paper_ids), limit)
    return [row["attempt_id"] for row in rows]


async def move(conn: Any, organisation_id: str, papers: Mapping[str, str]) -> None:
    """Give locked attempts the papers that took the place of theirs."""
    if papers:
        await conn.execute(SQL["move"], organisation_id, list(papers), list(papers.values()))


async def add_changes(conn: Any, organisation_id: str, regrade_id: str, changes: Sequence[Change]) -> None:
    """Keep what a correction changed."""
    if changes:
        await conn.execute(
            SQL["add_changes"],
            organisation_id,
            regrade_id,
            [one.attempt_id for one in changes],
            [one.score_before for one in changes],
            [one.score_after for one in changes],
            [one.result_before for one in changes],
            [one.result_after for one in changes],
            [one.points for one in changes],
        )


async def count(
    conn: Any, organisation_id: str, regrade_id: str, counts: tuple[int, int, int], *, finished: bool
) -> None:
    """Note how far a locked correction is: attempts seen, attempts changed, points."""
    await conn.execute(SQL["count"], organisation_id, regrade_id, *counts, finished)


async def changes(
    conn: Any, organisation_id: str, regrade_id: str, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """What a correction changed, in pages."""
    rows = await conn.fetch(SQL["changes"], organisation_id, regrade_id, after, limit)
    return [dict(row) for row in rows]
