"""Why there were points or none, what is still to be had, and what an event would give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import FieldError, InvalidPayload, NotFound
from rocket_server.events import store as events_store
from rocket_server.http import openapi
from rocket_server.http.api.answers import events as event_answers
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.api.events import shown
from rocket_server.http.aside import alone, aside
from rocket_server.http.auth import ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    encode_cursor,
    id_after,
    part,
    text_after,
)
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import parse_uuid
from rocket_server.learners.store import known_learner
from rocket_server.rules import cap_use, templates
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.sources import rocket

router = APIRouter(prefix="/v1", tags=["reasons"], responses=openapi.ERRORS)

# Every event of a page has a decision of every rule: with many rules a page has fewer events.
_MAX_DECISIONS = 10_000
_NO_NUL = r"^[^\x00]*$"

Moment = Annotated[str | None, Query(max_length=40, description="RFC 3339, a date, or Unix seconds.")]


@router.get("/users/{user_id}/explain", response_model=event_answers.ExplainedPage)
async def explain(
    request: Request,
    principal: ReadKey,
    user_id: str,
    event: Annotated[
        str | None, Query(max_length=100, pattern=_NO_NUL, description="An event's name, or its id.")
    ] = None,
    event_id: Annotated[str | None, Query(max_length=100, pattern=_NO_NUL)] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """A learner's events, the latest received first, each with what every rule said about it and why.

    `since` and `until` are about when it occurred.
    """
    services = services_of(request)
    if event_id is None and event is not None and parse_uuid(event):
        event, event_id = None, event
    now = datetime.now(UTC)
    async with alone(), services.database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        configuration = await services.configurations.current(conn, principal.organisation_id)
        zone = configuration.organisation.timezone
        wanted = events_store.EventFilter(
            before=id_after(cursor),
            learner_id=learner.learner_id,
            event=event,
            since=moment("since", since, zone),
            until=moment("until", until, zone),
        )
        limit = min(limit, max(1, _MAX_DECISIONS // max(1, len(configuration.rules.rules))))
        if event_id is not None:
            found = parse_uuid(event_id)
            row = await events_store.show(conn, principal.organisation_id, found) if found else None
            if row is None or row.learner_id != learner.learner_id:
                raise NotFound("This learner has no such event.", {"field": "event_id"})
            rows, more = [row], False
        else:
            rows, more = await events_store.page(conn, principal.organisation_id, wanted, limit)
        told = await pipeline.reasons(conn, configuration, rows, now)
    events = [shown(row) | {"decisions": decisions} for row, decisions in zip(rows, told, strict=True)]
    return Json({"user_id": learner.user_id, **part("events", events, more, "event_id")})


@router.get("/users/{user_id}/limits", response_model=people_answers.LimitPage)
async def limits(
    request: Request, principal: ReadKey, user_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """What is still to be had of each rule that holds now: what was used of its caps in this hour, day, week
    and month, and of those for courses, lessons and sections where one was used; by rule."""
    services = services_of(request)
    now = datetime.now(UTC)
    after = cap_use.place_of(text_after(cursor))
    async with alone(), services.database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        configuration = await services.configurations.current(conn, principal.organisation_id)
        found = await cap_use.cap_use(
            conn,
            principal.organisation_id,
            learner.learner_id,
            configuration.rules,
            Calendar(configuration.organisation.timezone),
            now,
            after,
            limit,
        )
    following = encode_cursor(cap_use.text_of(found[-1].place)) if len(found) == limit else None
    return Json(
        {
            "user_id": learner.user_id,
            "limits": [one.as_dict() for one in found],
            "next_cursor": following,
        }
    )


@router.post(
    "/rules/calculate",
    openapi_extra=openapi.CALCULATION,
    tags=["rules"],
    response_model=event_answers.Calculation,
)
async def calculate(request: Request, principal: ReadKey) -> Json:
    """What an event would give its learner if it came now, by the rules in force or by those sent with it.

    The body is an event, or `{"event": {…}, "rules": […]}`. Nothing is stored.
    """
    services = services_of(request)
    body = decode_json(await request.body())
    if not isinstance(body, dict):
        raise InvalidPayload.field("event", "expected an event, or an object with event and rules")
    data = dict(body)
    written = data.pop("rules", None)
    wrapped = isinstance(data.get("event"), dict)
    if wrapped and (unknown := sorted(data.keys() - {"event"})):
        raise InvalidPayload.field(unknown[0][:100], "unknown field; expected event and rules")
    now = datetime.now(UTC)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
    rules = None if written is None else await aside(lambda: _candidates(written, configuration))
    event = rocket.parse_event(
        data["event"] if wrapped else data,
        timezone=configuration.organisation.timezone,
        received_at=now,
        max_ahead_s=services.settings.max_clock_skew_s,
    )
    if isinstance(event, list):
        raise InvalidPayload.from_fields([_within("event", fault) for fault in event] if wrapped else event)
    async with alone():
        found = await pipeline.calculate(services.database, configuration, event, rules, now)
    return Json(
        {
            "status": found.result.status,
            "reason": found.result.reason,
            "event": rocket.flat(event),
            "points_awarded": found.result.points_awarded,
            "badges": found.result.badges,
            "decisions": found.decisions,
        }
    )


def _candidates(written: Any, configuration: Configuration) -> RuleSet:
    return pipeline.candidates(
        configuration, templates.read_rules({"rules": written}, configuration.activities)
    )


def _within(path: str, fault: FieldError) -> FieldError:
    """The same fault, one level further in."""
    return FieldError(f"{path}.{fault.path}" if fault.path else path, fault.message)
