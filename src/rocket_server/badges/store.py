"""Defines badges and gives them to learners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.db.queries import load
from rocket_server.ids import uuid7

SQL = load(__file__, "store.sql")


@dataclass(frozen=True, slots=True)
class Badge:
    """A recognition that can be given."""

    badge_id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Award:
    """A badge for a learner, and the event that earned it."""

    learner_id: str
    badge_id: str
    event_id: str


# What every organisation starts with; the guide for Moodle and the SDKs' examples name them.
STARTERS = (
    Badge("quiz_master", "Quiz Master", "For excellent results in quizzes."),
    Badge("course_master", "Course Master", "For completing a course."),
    Badge("course_completion_expert", "Course Completion Expert", "For completing courses again and again."),
)


async def define(conn: Any, organisation_id: str, badges: Sequence[Badge]) -> None:
    """Make badges; those that exist stay as they are."""
    await conn.execute(
        SQL["define"],
        organisation_id,
        [badge.badge_id for badge in badges],
        [badge.name for badge in badges],
        [badge.description for badge in badges],
    )


async def award(
    conn: Any, organisation_id: str, awards: Sequence[Award], now: datetime
) -> dict[tuple[str, str], str]:
    """Give badges, each once to a learner. Answers the event behind each (learner, badge) that is new."""
    first: dict[tuple[str, str], Award] = {}
    for one in awards:
        first.setdefault((one.learner_id, one.badge_id), one)
    rows = await conn.fetch(
        SQL["award"],
        organisation_id,
        now,
        [one.learner_id for one in first.values()],
        [one.badge_id for one in first.values()],
        [uuid7() for _ in first],
        [one.event_id for one in first.values()],
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def held(
    conn: Any, organisation_id: str, learner_id: str, before: str | None, limit: int
) -> list[dict[str, Any]]:
    """A learner's badges, the latest first, below an award's id."""
    rows = await conn.fetch(SQL["held"], organisation_id, learner_id, before, limit)
    return [dict(row) for row in rows]
