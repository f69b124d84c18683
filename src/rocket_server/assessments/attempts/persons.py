"""Attempts follow the persons whose they are: of two who turn out to be one, of one who turns out to be two,
and of one who is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from rocket_server.db.pool import TryAgain
from rocket_server.db.queries import load

SQL = load(__file__, "persons.sql")


async def lock(conn: Any, organisation_id: str, learner_id: str) -> None:
    """Lock a learner's attempts, before all else that is locked of a learner."""
    await conn.execute(SQL["lock"], organisation_id, learner_id)


async def beside(conn: Any, organisation_id: str, source_id: str, target_id: str) -> list[str]:
    """A learner's attempts that run beside one of another learner's of the same test."""
    return [
        row["attempt_id"] for row in await conn.fetch(SQL["beside"], organisation_id, source_id, target_id)
    ]


async def move(conn: Any, organisation_id: str, source_id: str, target_id: str) -> None:
    """Give a learner's attempts to another, numbered behind the other's. Comes before all other locks of a
    merge. Raises TryAgain where either began a test meanwhile."""
    await lock(conn, organisation_id, source_id)
    with _unless_begun():
        await conn.execute(SQL["move"], organisation_id, source_id, target_id)


async def has_attempts(conn: Any, organisation_id: str, learner_id: str) -> bool:
    """Whether a learner has begun a test."""
    found: bool = await conn.fetchval(SQL["has_attempts"], organisation_id, learner_id)
    return found


async def part(
    conn: Any, organisation_id: str, learner_id: str, new_id: str, identities: Sequence[str]
) -> None:
    """Give the attempts that were begun under some identities to the new learner whose these are. Those of
    both are numbered from one again. The learner's account is locked. Raises TryAgain where they began a
    test meanwhile."""
    with _unless_begun():
        await conn.execute(SQL["part"], organisation_id, learner_id, new_id, list(identities))
        # In two steps: a number is taken until the attempt that has it got another.
        await conn.execute(SQL["set_apart"], organisation_id, [learner_id, new_id])
        await conn.execute(SQL["number"], organisation_id, [learner_id, new_id])


async def forget(conn: Any, organisation_id: str, learner_id: str, anonymous_id: str) -> None:
    """Remove from a learner's attempts who it was and what was written; results stay. Comes before all other
    locks of an anonymisation."""
    await lock(conn, organisation_id, learner_id)
    rows = await conn.fetch(SQL["forget"], organisation_id, learner_id, anonymous_id)
    await conn.execute(SQL["forget_words"], organisation_id, [row["attempt_id"] for row in rows])


@contextmanager
def _unless_begun() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise TryAgain("a test was begun meanwhile") from error
