"""Keeps definitions of badges and their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rocket_server.badges.model import Badge
from rocket_server.badges.parse import Definition, parse_criteria
from rocket_server.db.pages import bounded
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound

SQL = load(__file__, "store.sql")

MAX_BADGES = 500  # of one organisation, deleted ones not counted
MAX_IMAGES = 5_000  # of one organisation, those of earlier versions counted

# What every organisation starts with; the guide for Moodle and the SDKs' examples name them.
STARTERS = (
    Badge("quiz_master", "Quiz Master", "For excellent results in quizzes."),
    Badge("course_master", "Course Master", "For completing a course."),
    Badge("course_completion_expert", "Course Completion Expert", "For completing courses again and again."),
)


@dataclass(frozen=True, slots=True)
class ShownBadge:
    """A badge with the times of its making and last change."""

    badge: Badge
    created_at: datetime
    updated_at: datetime


async def define(conn: Any, organisation_id: str, badges: Sequence[Badge]) -> None:
    """Make badges; those that exist stay as they are."""
    await conn.execute(
        SQL["define"],
        organisation_id,
        [badge.badge_id for badge in badges],
        [badge.name for badge in badges],
        [badge.description for badge in badges],
    )


async def all_badges(conn: Any, organisation_id: str) -> list[Badge]:
    """Every badge that wasn't deleted."""
    return [_badge(row) for row in await conn.fetch(SQL["all"], organisation_id)]


async def page(conn: Any, organisation_id: str, after: str, limit: int) -> tuple[list[ShownBadge], bool]:
    """Badges in the order of their ids, above `after`, and whether more may follow."""

    async def fetch(last: ShownBadge | None, piece: int) -> list[ShownBadge]:
        above = after if last is None else last.badge.badge_id
        return [_shown(row) for row in await conn.fetch(SQL["page"], organisation_id, above, piece)]

    return await bounded(fetch, _size, limit)


def _size(one: ShownBadge) -> int:
    badge = one.badge
    criteria = badge.criteria.as_dict() if badge.criteria else None
    return len(msgspec.json.encode((badge.description, badge.criteria_text, badge.tags, criteria))) + 1_000


async def show(conn: Any, organisation_id: str, badge_id: str) -> ShownBadge:
    """One badge. Raises NotFound, also where it was deleted."""
    row = await conn.fetchrow(SQL["show"], organisation_id, badge_id) if "\0" not in badge_id else None
    if row is None:
        raise unknown()
    return _shown(row)


async def create(conn: Any, organisation_id: str, definition: Definition) -> ShownBadge:
    """Make a badge. Raises Conflict where there is one of that id, or where the organisation has MAX_BADGES
    already: each event is held against all of them. The caller holds the organisation's row."""
    if await conn.fetchval(SQL["count"], organisation_id) >= MAX_BADGES:
        raise Conflict(
            f"An organisation has at most {MAX_BADGES} badges. Delete one that isn't given any more.",
            {"limit": MAX_BADGES},
        )
    image_id = await _add_image(conn, organisation_id, definition)
    made = await conn.fetchval(SQL["create"], organisation_id, *_values(definition.badge), image_id)
    if made is None:
        raise Conflict("This organisation has a badge of that id already.", {"field": "badge_id"})
    return await show(conn, organisation_id, definition.badge.badge_id)


async def change(conn: Any, organisation_id: str, definition: Definition) -> ShownBadge:
    """Set a badge's definition, whole; the image stays where none was named. Raises NotFound."""
    image_id = await _add_image(conn, organisation_id, definition)
    values = _values(definition.badge)
    if not await conn.fetchval(SQL["change"], organisation_id, *values, image_id, definition.keeps_image):
        raise unknown()
    return await show(conn, organisation_id, definition.badge.badge_id)


async def delete(conn: Any, organisation_id: str, badge_id: str) -> None:
    """Take a badge out of use; awards stay. Raises NotFound."""
    if "\0" in badge_id or not await conn.fetchval(SQL["delete"], organisation_id, badge_id):
        raise unknown()


async def add_image(conn: Any, organisation_id: str, badge_id: str, png: bytes) -> str:
    """Keep an image; its public id. The issuer's own has no badge's id.

    Images stay, for what was given shows them. Raises Conflict where the organisation has MAX_IMAGES already.
    """
    if await conn.fetchval(SQL["count_images"], organisation_id) >= MAX_IMAGES:
        raise Conflict(f"An organisation keeps at most {MAX_IMAGES} images of badges.", {"limit": MAX_IMAGES})
    return str(await conn.fetchval(SQL["add_image"], organisation_id, badge_id, png))


async def image(conn: Any, issuer_id: str, image_id: str) -> bytes | None:
    """An image, by public ids."""
    png: bytes | None = await conn.fetchval(SQL["image"], issuer_id, image_id)
    return png


async def issuer_id(conn: Any, organisation_id: str) -> str:
    """The organisation's public name as an issuer."""
    return str(await conn.fetchval(SQL["issuer_id"], organisation_id))


def unknown() -> NotFound:
    """There is no such badge."""
    return NotFound("There is no such badge.", {"field": "badge_id"})


async def _add_image(conn: Any, organisation_id: str, definition: Definition) -> str | None:
    if definition.png is None:
        return None
    return await add_image(conn, organisation_id, definition.badge.badge_id, definition.png)


def _values(badge: Badge) -> tuple[Any, ...]:
    return (
        badge.badge_id,
        badge.name,
        badge.description,
        badge.criteria_text,
        list(badge.tags),
        badge.active,
        badge.repeatable,
        badge.criteria.as_dict() if badge.criteria else None,
        badge.expires_after_days,
    )


def _badge(row: Any) -> Badge:
    return Badge(
        row["badge_id"],
        row["name"],
        row["description"],
        row["criteria_text"],
        tuple(row["tags"]),
        row["active"],
        row["repeatable"],
        parse_criteria(row["criteria"]),
        row["image_id"],
        row["expires_after_days"],
    )


def _shown(row: Any) -> ShownBadge:
    return ShownBadge(_badge(row), row["created_at"], row["updated_at"])
