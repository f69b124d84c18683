"""Gives badges to learners and takes them back. Who gives holds the lock of the learner's account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from rocket_server.badges.model import Cause, Status
from rocket_server.db.pages import bounded
from rocket_server.db.queries import load

SQL = load(__file__, "awards.sql")

BY_RULES: Final = "rules"  # who revokes what a withdrawn event had earned


class NewAward(msgspec.Struct, frozen=True):
    """A badge for a learner. `rule_award_id` is the award of points and marks by the rule that gives it."""

    award_id: str
    learner_id: str
    badge_id: str
    repeatable: bool
    cause: Cause
    own_event_id: str
    event_id: str | None = None
    rule_id: str | None = None
    rule_version: int | None = None
    rule_award_id: str | None = None
    actor: str = BY_RULES
    metadata: dict[str, Any] | None = None


class Award(msgspec.Struct, frozen=True):
    """An award as it stands. `event_id` is what earned it, `own_event_id` the event that it made."""

    award_id: str
    learner_id: str
    badge_id: str
    status: Status
    event_id: str | None
    own_event_id: str | None
    rule_id: str | None


async def add(conn: Any, organisation_id: str, awards: Sequence[NewAward], now: datetime) -> set[str]:
    """Give badges; the ids of the awards that were made. What a learner holds isn't given again,
    unless it has expired."""
    if not awards:
        return set()
    await conn.execute(
        SQL["expire"],
        organisation_id,
        now,
        [one.learner_id for one in awards],
        [one.badge_id for one in awards],
    )
    rows = await conn.fetch(
        SQL["add"],
        organisation_id,
        now,
        [one.award_id for one in awards],
        [one.learner_id for one in awards],
        [one.badge_id for one in awards],
        [one.repeatable for one in awards],
        [one.event_id for one in awards],
        [one.cause for one in awards],
        [one.rule_id for one in awards],
        [one.rule_version for one in awards],
        [one.rule_award_id for one in awards],
        [one.own_event_id for one in awards],
        [one.actor for one in awards],
        [one.metadata for one in awards],
    )
    return {row[0] for row in rows}


async def by_events(
    conn: Any, organisation_id: str, event_ids: Collection[str], any_cause: Collection[str] = ()
) -> list[Award]:
    """Standing awards that rules gave for these events, and all that were given for those in `any_cause`."""
    if not event_ids and not any_cause:
        return []
    rows = await conn.fetch(SQL["by_events"], organisation_id, [*event_ids, *any_cause], list(any_cause))
    return [Award(*row.values()) for row in rows]


async def by_rule_award(conn: Any, organisation_id: str, learner_id: str, rule_award_id: str) -> Award | None:
    """The badge that stands and was given in the same decision as a rule's award."""
    row = await conn.fetchrow(SQL["by_rule_award"], organisation_id, learner_id, rule_award_id)
    return None if row is None else Award(*row.values())


async def relink(conn: Any, organisation_id: str, rule_awards: Mapping[str, str]) -> None:
    """Say with which award of its rule each badge goes from now on, by the badges' award ids."""
    if rule_awards:
        await conn.execute(
            SQL["relink"], organisation_id, list(rule_awards.keys()), list(rule_awards.values())
        )


async def given(
    conn: Any, organisation_id: str, learner_ids: Collection[str], badge_ids: Collection[str]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(Learner, badge) of these that are held, and that were given and not taken back by the rules."""
    rows = await conn.fetch(SQL["given"], organisation_id, list(learner_ids), list(badge_ids))
    return {(row[0], row[1]) for row in rows if row[2]}, {(row[0], row[1]) for row in rows if row[3]}


async def revoke(
    conn: Any, organisation_id: str, award_ids: Collection[str], now: datetime, actor: str, reason: str
) -> None:
    """Take awards back."""
    if award_ids:
        await conn.execute(SQL["revoke"], organisation_id, list(award_ids), now, actor, reason)


async def find(conn: Any, organisation_id: str, award_id: str) -> Award | None:
    """One award."""
    row = await conn.fetchrow(SQL["find"], organisation_id, award_id)
    return None if row is None else Award(*row.values())


async def standing_award(conn: Any, organisation_id: str, learner_id: str, badge_id: str) -> Award | None:
    """The latest standing award of a badge to a learner."""
    row = await conn.fetchrow(SQL["standing_award"], organisation_id, learner_id, badge_id)
    return None if row is None else Award(*row.values())


async def history(
    conn: Any, organisation_id: str, learner_id: str, before: str | None, limit: int, *, revoked: bool
) -> tuple[list[dict[str, Any]], bool]:
    """A learner's badges, the latest first, below an award's id, and whether more may follow; with `revoked`,
    those taken back too."""

    async def fetch(last: dict[str, Any] | None, piece: int) -> list[dict[str, Any]]:
        below = before if last is None else last["award_id"]
        rows = await conn.fetch(SQL["history"], organisation_id, learner_id, below, piece, revoked)
        return [dict(row) for row in rows]

    return await bounded(fetch, lambda one: len(msgspec.json.encode(one["metadata"])) + 1_000, limit)
