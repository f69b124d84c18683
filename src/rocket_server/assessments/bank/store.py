"""Questions in the database: whole, with their keys, and beside them what lists and rules choose by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rocket_server.assessments.model import Question
from rocket_server.assessments.questions import parse_question
from rocket_server.db.queries import load

SQL = load(__file__, "store.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """A question of the bank, and who made and changed it."""

    question: Question
    created_by: str
    created_at: datetime
    updated_by: str | None
    updated_at: datetime

    @property
    def question_id(self) -> str:
        assert self.question.id is not None
        return self.question.id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions a list shows; None lets all pass, but for the archived."""

    status: str | None = None
    types: Sequence[str] | None = None
    levels: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    text: str | None = None
    least_marks: Decimal | None = None
    most_marks: Decimal | None = None

    def arguments(self) -> tuple[Any, ...]:
        return (
            self.status,
            self.types,
            self.levels,
            self.categories,
            self.text,
            self.least_marks,
            self.most_marks,
        )


async def add(conn: Any, organisation_id: str, questions: Sequence[Question], author: str) -> list[Kept]:
    """Keep new questions, which have their ids."""
    rows = await conn.fetch(
        SQL["add"],
        organisation_id,
        [one.id for one in questions],
        [one.kind for one in questions],
        [one.level for one in questions],
        [one.status for one in questions],
        [one.grading_type for one in questions],
        [one.marks for one in questions],
        [one.category_id for one in questions],
        [one.as_json() for one in questions],
        author,
    )
    kept = {row["question_id"]: _kept(row) for row in rows}
    return [kept[one.id] for one in questions if one.id is not None]


async def write(conn: Any, organisation_id: str, question: Question, author: str) -> Kept:
    """Keep a locked question as it is now."""
    row = await conn.fetchrow(
        SQL["write"],
        organisation_id,
        question.id,
        question.kind,
        question.level,
        question.status,
        question.grading_type,
        question.marks,
        question.category_id,
        question.as_json(),
        author,
    )
    return _kept(row)


async def find(conn: Any, organisation_id: str, question_ids: Collection[str]) -> dict[str, Kept]:
    """Questions by id, archived ones included."""
    if not question_ids:
        return {}
    rows = await conn.fetch(SQL["find"], organisation_id, list(question_ids))
    return {row["question_id"]: _kept(row) for row in rows}


async def lock(conn: Any, organisation_id: str, question_id: str) -> Kept | None:
    """A question, locked until the transaction ends."""
    row = await conn.fetchrow(SQL["lock"], organisation_id, question_id)
    return None if row is None else _kept(row)


async def page(conn: Any, organisation_id: str, wanted: Wanted, limit: int, offset: int = 0) -> list[Kept]:
    """Questions, the latest first."""
    rows = await conn.fetch(SQL["page"], organisation_id, *wanted.arguments(), limit, offset)
    return [_kept(row) for row in rows]


async def count(conn: Any, organisation_id: str, wanted: Wanted) -> int:
    """How many questions a list has."""
    found: int = await conn.fetchval(SQL["count"], organisation_id, *wanted.arguments())
    return found


async def uses(conn: Any, organisation_id: str, question_ids: Collection[str]) -> dict[str, int]:
    """In how many tests questions stand; those that stand in none aren't in the answer."""
    rows = await conn.fetch(SQL["uses"], organisation_id, list(question_ids))
    return {row["question_id"]: row["tests"] for row in rows}


def _kept(row: Any) -> Kept:
    return Kept(
        parse_question(row["content"], question_id=row["question_id"]),
        row["created_by"],
        row["created_at"],
        row["updated_by"],
        row["updated_at"],
    )
