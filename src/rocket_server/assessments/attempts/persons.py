"""Attempts follow the persons whose they are: of two who turn out to be one, and of one who is forgotten."""

from __future__ import annotations

from typing import Any

from rocket_server.db.queries import load

SQL = load(__file__, "persons.sql")


async def move(conn: Any, organisation_id: str, source_id: str, target_id: str) -> None:
    """Give a learner's attempts to another. Where both take the same test at this moment, the first learner's
    attempt ends with what was answered. Comes before all other locks of a merge."""
    await conn.execute(SQL["lock"], organisation_id, source_id)
    await conn.execute(SQL["move"], organisation_id, source_id, target_id)
    await conn.execute(SQL["end"], organisation_id, source_id)


async def forget(conn: Any, organisation_id: str, learner_id: str, anonymous_id: str) -> None:
    """Remove from a learner's attempts who it was and what was written; results stay. Comes before all other
    locks of an anonymisation."""
    await conn.execute(SQL["lock"], organisation_id, learner_id)
    rows = await conn.fetch(SQL["forget"], organisation_id, learner_id, anonymous_id)
    await conn.execute(SQL["forget_words"], organisation_id, [row["attempt_id"] for row in rows])
