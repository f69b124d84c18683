"""Tells when a learner's rank changes: as soon as standings count an entry, and each Monday."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.delivery import outbox
from rocket_server.ids import FIRST_ID
from rocket_server.leaderboards.weeks import weekly_points
from rocket_server.organisations import store as organisations
from rocket_server.organisations.model import Organisation
from rocket_server.organisations.settings import Rank
from rocket_server.ranks import streaks as ranks

SQL = load(__file__, "promotion.sql")

_LEARNERS: Final = 500  # of one piece, with new entries; and as many whose streak may have ended


@dataclass(frozen=True, slots=True)
class _RankState:
    learner_id: str
    user_id: str
    status: str
    before: str | None  # the name of the rank last seen
    rank: Rank
    streak_weeks: int


async def due(conn: Any, now: datetime, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The next organisations, behind `after`, with something to look at."""
    (before,) = after or (FIRST_ID,)
    return [(row[0],) for row in await conn.fetch(SQL["due"], now, before, limit)]


async def promote(conn: Any, organisation_id: str, now: datetime) -> bool:
    """Look at one bounded piece in the caller's transaction and tell what changed; whether more waits.

    Waits for whoever is at it, or at the standings. A learner who is seen first is taken to have had the
    lowest rank until then.
    """
    await conn.execute(SQL["lock"], organisation_id)
    organisation = await organisations.read(conn, organisation_id)
    unranked = await conn.fetch(SQL["unranked"], organisation_id, _LEARNERS)
    ending = await conn.fetch(SQL["ending"], organisation_id, now, _LEARNERS)
    learner_ids = {row["learner_id"] for row in unranked} | {row[0] for row in ending}
    if learner_ids:
        found = await _standings(conn, organisation, sorted(learner_ids), now)
        await _write(conn, organisation, found, now)
        await _tell(conn, organisation, found, now)
    await conn.execute(SQL["ranked"], organisation_id, [row["account_id"] for row in unranked])
    return _LEARNERS in (len(unranked), len(ending))


async def _standings(
    conn: Any, organisation: Organisation, learner_ids: Sequence[str], now: datetime
) -> list[_RankState]:
    today = now.astimezone(organisation.timezone).date()
    zone = str(organisation.timezone)
    weeks = await weekly_points(conn, organisation.organisation_id, learner_ids, zone, today)
    found = []
    for row in await conn.fetch(SQL["learners"], organisation.organisation_id, learner_ids):
        goal = row["weekly_goal"] or organisation.settings.weekly_goal
        earned = weeks.get(row["learner_id"], {})
        streak = ranks.streak_weeks(earned, goal, today, organisation.settings.grace_weeks)
        rank = ranks.rank_of(streak, organisation.settings.ranks)
        found.append(_RankState(row["learner_id"], row["user_id"], row["status"], row["rank"], rank, streak))
    return found


async def _write(conn: Any, organisation: Organisation, found: Sequence[_RankState], now: datetime) -> None:
    local = now.astimezone(organisation.timezone).date()
    next_monday = datetime.combine(
        ranks.monday(local) + timedelta(days=7), time(), tzinfo=organisation.timezone
    )
    await conn.execute(
        SQL["write"],
        organisation.organisation_id,
        [one.learner_id for one in found],
        [one.rank.name for one in found],
        [one.streak_weeks for one in found],
        [next_monday if one.streak_weeks else None for one in found],
    )


async def _tell(conn: Any, organisation: Organisation, found: Sequence[_RankState], now: datetime) -> None:
    lowest = organisation.settings.ranks[0].name
    messages = []
    for one in found:
        before = one.before or lowest
        if one.rank.name == before or one.status == "anonymised":
            continue
        properties = {
            "rank": one.rank.name,
            "previous_rank": before,
            "streak_weeks": one.streak_weeks,
            "multiplier": one.rank.multiplier,
            "discount_pct": one.rank.discount_pct,
        }
        messages.append(outbox.told("rank.changed", one.user_id, now, properties))
    if messages:
        endpoints = await outbox.endpoints(conn, organisation.organisation_id)
        await outbox.enqueue(conn, organisation.organisation_id, endpoints, messages, now)
