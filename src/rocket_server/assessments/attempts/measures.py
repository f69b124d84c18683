"""How questions did, as sums that the database makes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from rocket_server.assessments.statistics import Sums
from rocket_server.db.queries import load

SQL = load(__file__, "measures.sql")

MAX_ATTEMPTS: Final = 20_000  # of one report
MAX_ANSWERS: Final = 10_000  # different ones, of all questions of one report


async def sums(
    conn: Any, organisation_id: str, test_id: str, max_attempts: int = MAX_ATTEMPTS
) -> dict[str, tuple[Sums, int]]:
    """Sums of each question that was asked, and how many wrote something to it."""
    rows = await conn.fetch(SQL["sums"], organisation_id, test_id, max_attempts)
    return {
        row["question_id"]: (
            Sums(
                count=row["count"],
                correct=row["correct"],
                x=row["x"],
                y=row["y"],
                xx=row["xx"],
                yy=row["yy"],
                xy=row["xy"],
            ),
            row["written"],
        )
        for row in rows
    }


async def answers(
    conn: Any,
    organisation_id: str,
    test_id: str,
    question_ids: Collection[str],
    max_attempts: int = MAX_ATTEMPTS,
) -> list[tuple[str, dict[str, Any], int]]:
    """Question, answer and how often it was given, the most frequent ones first."""
    rows = await conn.fetch(
        SQL["answers"], organisation_id, test_id, max_attempts, list(question_ids), MAX_ANSWERS
    )
    return [(row["question_id"], row["answer"], row["times"]) for row in rows]
