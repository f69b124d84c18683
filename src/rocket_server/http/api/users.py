"""Learners as API callers see them: balance, ledger, badges, caps in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from rocket_server.badges import awards
from rocket_server.badges import store as badges
from rocket_server.badges.addresses import PublicUrls
from rocket_server.events import store as events_store
from rocket_server.http import openapi
from rocket_server.http.api.answers import events as event_answers
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.api.badges import shown_award
from rocket_server.http.api.events import shown
from rocket_server.http.auth import ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, number_after, part
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.leaderboards.weeks import weekly_points
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner, known_learner
from rocket_server.ledger import store as ledger
from rocket_server.organisations.model import Organisation
from rocket_server.organisations.settings import Rank
from rocket_server.ranks import streaks as ranks
from rocket_server.times import rfc3339

router = APIRouter(prefix="/v1/users", tags=["users"], responses=openapi.ERRORS)

_LATEST = 2**62


class Balance(BaseModel):
    """What a learner has, and how long the weekly goal has been met."""

    user_id: str
    points: int
    earned: int
    spent: int
    rank: str
    streak_weeks: int


@router.get("/{user_id}/balance", response_model=Balance)
async def read_balance(request: Request, principal: ReadKey, user_id: str) -> Json:
    """A learner's points, rank and streak."""
    async with services_of(request).database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        account = await ledger.read_account(conn, principal.organisation_id, learner.learner_id)
        streak = await _streak_state(request, conn, principal.organisation_id, learner)
    return Json(
        {
            "user_id": learner.user_id,
            "points": account.points,
            "earned": account.earned,
            "spent": account.spent,
            "rank": streak.rank.name,
            "streak_weeks": streak.streak_weeks,
        }
    )


@router.get("/{user_id}/rank", response_model=people_answers.RankShown)
async def read_rank(request: Request, principal: ReadKey, user_id: str) -> Json:
    """A learner's rank and what it is good for, his streak, this week so far, and the next rank."""
    async with services_of(request).database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        streak = await _streak_state(request, conn, principal.organisation_id, learner)
    following = ranks.next_rank(streak.streak_weeks, streak.organisation.settings.ranks)
    return Json(
        {
            "user_id": learner.user_id,
            "rank": streak.rank.name,
            "multiplier": streak.rank.multiplier,
            "discount_pct": streak.rank.discount_pct,
            "streak_weeks": streak.streak_weeks,
            "grace_weeks": streak.organisation.settings.grace_weeks,
            "weekly_goal": streak.goal,
            "points_this_week": streak.points_this_week,
            "next_rank": None if following is None else {"name": following.name, "weeks": following.weeks},
        }
    )


@dataclass(frozen=True, slots=True)
class _StreakState:
    organisation: Organisation
    rank: Rank
    streak_weeks: int
    goal: int
    points_this_week: int


async def _streak_state(request: Request, conn: Any, organisation_id: str, learner: Learner) -> _StreakState:
    """How a learner stands now: derived from the entries, so that late events and reversals count."""
    configuration = await services_of(request).configurations.current(conn, organisation_id)
    organisation = configuration.organisation
    own_goal = await learners.weekly_goal(conn, organisation_id, learner.learner_id)
    goal = organisation.settings.weekly_goal if own_goal is None else own_goal
    today = datetime.now(organisation.timezone).date()
    whose, zone = learner.learner_id, str(organisation.timezone)
    weeks = (await weekly_points(conn, organisation_id, [whose], zone, today)).get(whose, {})
    streak = ranks.streak_weeks(weeks, goal, today, organisation.settings.grace_weeks)
    rank = ranks.rank_of(streak, organisation.settings.ranks)
    return _StreakState(organisation, rank, streak, goal, weeks.get(ranks.monday(today), 0))


@router.get("/{user_id}/ledger", response_model=people_answers.EntryPage)
async def read_ledger(
    request: Request, principal: ReadKey, user_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """A learner's entries, the latest first, each with the event, rule version and hand behind it."""
    services = services_of(request)
    organisation_id = principal.organisation_id
    async with services.database.connection() as conn:
        learner = await known_learner(conn, organisation_id, user_id)
        # Numbers count the entries of one account; entries of several accounts are paged by their ids.
        joint = await ledger.has_merged(conn, organisation_id, learner.learner_id)
        if joint:
            rows, more = await ledger.joint_history(
                conn, organisation_id, learner.learner_id, id_after(cursor), limit
            )
        else:
            before = number_after(cursor)
            number = _LATEST if before is None else before
            rows, more = await ledger.history(conn, organisation_id, learner.learner_id, number, limit)
    entries = [
        {**row, "occurred_at": rfc3339(row["occurred_at"]), "created_at": rfc3339(row["created_at"])}
        for row in rows
    ]
    return Json(part("entries", entries, more, "entry_id" if joint else "number"))


@router.get("/{user_id}/events", response_model=event_answers.EventPage)
async def read_events(
    request: Request, principal: ReadKey, user_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """A learner's events with their decisions, the latest received first."""
    services = services_of(request)
    async with services.database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        wanted = events_store.EventFilter(before=id_after(cursor), learner_id=learner.learner_id)
        rows, more = await events_store.page(conn, principal.organisation_id, wanted, limit)
    return Json(part("events", [shown(row) for row in rows], more, "event_id"))


@router.get("/{user_id}/badges", response_model=people_answers.HeldBadgePage)
async def read_badges(
    request: Request,
    principal: ReadKey,
    user_id: str,
    include_revoked: bool = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """A learner's badges, the latest first; with `include_revoked`, those that were taken back too."""
    services = services_of(request)
    async with services.database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        rows, more = await awards.history(
            conn,
            principal.organisation_id,
            learner.learner_id,
            id_after(cursor),
            limit,
            revoked=include_revoked,
        )
        issuer_id = await badges.issuer_id(conn, principal.organisation_id)
    public = PublicUrls(services.settings.public_url, issuer_id)
    held = [shown_award(row, public) for row in rows]
    return Json(part("badges", held, more, "award_id"))
