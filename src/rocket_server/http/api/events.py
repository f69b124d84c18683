"""Stored events: read, listed, run again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from rocket_server import pipeline
from rocket_server.errors import NotFound
from rocket_server.events import store
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import events as event_answers
from rocket_server.http.auth import EventsKey, ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, part
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import parse_uuid
from rocket_server.learners import store as learners
from rocket_server.times import rfc3339
from rocket_server.usecases import events as acts

router = APIRouter(prefix="/v1/events", tags=["events"], responses=openapi.ERRORS)

StatusName = Literal["processed", "ignored", "held", "failed"]
# PostgreSQL has no text with a NUL in it.
_NO_NUL = r"^[^\x00]*$"


@router.get("", response_model=event_answers.EventPage)
async def list_events(
    request: Request,
    principal: ReadKey,
    user_id: Annotated[str | None, Query(max_length=400, pattern=_NO_NUL)] = None,
    event: Annotated[str | None, Query(max_length=100, pattern=_NO_NUL)] = None,
    source: Annotated[str | None, Query(max_length=100, pattern=_NO_NUL)] = None,
    status: StatusName | None = None,
    since: Annotated[str | None, Query(max_length=40, description="Occurred at this time or later.")] = None,
    until: Annotated[str | None, Query(max_length=40, description="Occurred before this time.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """Stored events, the latest received first."""
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        zone = configuration.organisation.timezone
        learner_id = None
        if user_id is not None:
            learner = await learners.in_query(conn, principal.organisation_id, user_id)
            if learner is None:
                return Json({"events": [], "next_cursor": None})
            learner_id = learner.learner_id
        rows, more = await store.page(
            conn,
            principal.organisation_id,
            store.EventFilter(
                before=id_after(cursor),
                learner_id=learner_id,
                event=event,
                source=source,
                status=status,
                since=moment("since", since, zone),
                until=moment("until", until, zone),
            ),
            limit,
        )
    return Json(part("events", [shown(row) for row in rows], more, "event_id"))


@router.get("/{event_id}", response_model=event_answers.ExplainedEvent)
async def read_event(request: Request, principal: ReadKey, event_id: str) -> Json:
    """One event with what every rule says about it, and why; those that took no part are among them."""
    services = services_of(request)
    wanted = parse_uuid(event_id)
    async with services.database.connection() as conn:
        row = await store.show(conn, principal.organisation_id, wanted) if wanted else None
        if row is None:
            raise NotFound("There is no such event.")
        configuration = await services.configurations.current(conn, principal.organisation_id)
        (decisions,) = await pipeline.reasons(conn, configuration, [row], datetime.now(UTC))
    return Json(shown(row) | {"decisions": decisions})


@router.post("/{event_id}/retry", response_model=event_answers.Processed)
async def retry_event(request: Request, principal: EventsKey, event_id: str) -> Json:
    """Run a stored event again, after a mapping, a learner or a rule was mended."""
    wanted = parse_uuid(event_id)
    if wanted is None:
        raise NotFound("There is no such event.")
    result = await acts.retry(*acting(request, principal), wanted)
    return Json(
        {
            "status": result.status,
            "event_id": result.event_id,
            "processed_at": rfc3339(datetime.now(UTC)),
            "points_awarded": result.points_awarded,
            "badges": result.badges,
            "decisions": result.decisions,
            "reason": result.reason,
        }
    )


def shown(row: store.ShownEvent) -> dict[str, Any]:
    """An event as it is answered."""
    return {
        "event_id": row.event_id,
        "source_event_id": row.source_event_id,
        "source": row.source,
        "status": row.status,
        "reason": row.reason,
        "event": row.event,
        "user_id": row.user_id,
        "timestamp": rfc3339(row.occurred_at),
        "received_at": rfc3339(row.received_at),
        "properties": row.properties,
        "metadata": row.metadata,
        "points_awarded": row.points_awarded,
        "badges": row.badges or [],
        "decisions": row.decisions,
    }
