"""The leaderboard, as API callers see it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from rocket_server.errors import InvalidPayload
from rocket_server.http import openapi
from rocket_server.http.auth import ReadKey
from rocket_server.http.paging import Cursor, Limit, decode_cursor, encode_cursor
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.leaderboards import standings
from rocket_server.leaderboards.boards import Period, board_of
from rocket_server.leaderboards.standings import Place
from rocket_server.learners.store import in_query, known_learner
from rocket_server.times import rfc3339

router = APIRouter(prefix="/v1/leaderboard", tags=["leaderboard"], responses=openapi.ERRORS)

_MAX_COURSE_CHARACTERS = 255
_DEFAULT_LIMIT = 10
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)

Course = Annotated[
    str | None, Query(max_length=_MAX_COURSE_CHARACTERS, description="Points of one course only, by its id.")
]
Day = Annotated[date | None, Query(description="A day of the week or month that is meant; today by default.")]
Around = Annotated[
    str | None, Query(max_length=400, description="A learner: their place and those next to it.")
]


class Standing(BaseModel):
    """One place. Who wants to stand there without a name has no `user_id`."""

    rank: int
    points: int
    user_id: str | None
    anonymous: bool


class Leaderboard(BaseModel):
    """A board: which, how many stand on it, up to when it is counted, and a page of it."""

    period: Period
    since: str | None
    until: str | None
    course: str | None
    learners: int
    as_of: str | None
    standings: list[Standing]
    next_cursor: str | None


@router.get("", response_model=Leaderboard)
async def read_leaderboard(
    request: Request,
    principal: ReadKey,
    course: Course = None,
    period: Annotated[Period, Query(description="All time, a week from Monday, or a month.")] = "all",
    at: Day = None,
    around: Around = None,
    limit: Limit = _DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """Who has earned most: points of awards less what was reversed, in the week in which they were earned."""
    if course is not None and "\0" in course:
        raise InvalidPayload.field("course", "must be the id of a course")
    if around is not None and cursor:
        raise InvalidPayload.field("cursor", "must not be sent with `around`, which is one page")
    if at is not None and not _FIRST_DAY <= at <= _LAST_DAY:
        raise InvalidPayload.field("at", f"must be a day from {_FIRST_DAY} to {_LAST_DAY}")
    services = services_of(request)
    organisation_id = principal.organisation_id
    async with services.database.connection() as conn:
        zone = (await services.configurations.current(conn, organisation_id)).organisation.timezone
        board = board_of(period, at or datetime.now(zone).date(), course or None)
        if around is None:
            places = await standings.top(conn, organisation_id, board.key, limit, _position(cursor))
        else:
            learner = await in_query(conn, organisation_id, around)
            if learner is None:
                learner = await known_learner(conn, organisation_id, around)
            places = await standings.around(conn, organisation_id, board.key, learner.learner_id, limit)
        totals = await standings.totals(conn, organisation_id, board.key)
    bounds = board.bounds(zone)
    full = around is None and len(places) == limit
    return Json(
        {
            "period": period,
            "since": rfc3339(bounds[0]) if bounds else None,
            "until": rfc3339(bounds[1]) if bounds else None,
            "course": board.course,
            "learners": totals.learners,
            "as_of": rfc3339(totals.refreshed_at) if totals.refreshed_at else None,
            "standings": [_shown(place) for place in places],
            "next_cursor": encode_cursor(f"{places[-1].points}:{places[-1].learner_id}") if full else None,
        }
    )


def _shown(place: Place) -> dict[str, Any]:
    return {
        "rank": place.rank,
        "points": place.points,
        "user_id": None if place.anonymous else place.user_id,
        "anonymous": place.anonymous,
    }


def _position(cursor: str | None) -> tuple[int, str] | None:
    if not cursor:
        return None
    points, _, learner = decode_cursor(cursor).partition(":")
    learner_id = parse_uuid(learner)
    if not (points.isascii() and points.isdigit() and len(points) <= 18 and learner_id):
        raise InvalidPayload.field("cursor", "must be the next_cursor of an earlier answer")
    return int(points), learner_id
