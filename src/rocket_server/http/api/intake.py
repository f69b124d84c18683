"""Where API callers' events come in: single ones, batches, and their validation.

These handlers read the raw body and decode it once; they are the hot path.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request

from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event
from rocket_server.http import batches, openapi
from rocket_server.http.api.answers import events as event_answers
from rocket_server.http.edge.body import decode_event, split_batch
from rocket_server.http.models import Validity
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.submitting import submit
from rocket_server.sources import rocket
from rocket_server.times import rfc3339
from rocket_server.usecases.intake import Submission

router = APIRouter()

MAX_BATCH_EVENTS = 10_000


@router.post(
    "/v1/events",
    openapi_extra=openapi.EVENT,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=event_answers.Processed,
)
async def post_event(request: Request) -> Json:
    """Store one event and award what it is worth; answered after commit. One sent before is a duplicate."""
    services = services_of(request)
    principal = await services.authenticator.principal(request, remembered=True)
    principal.needs("events:write")
    body = decode_event(await request.body())
    received_at = datetime.now(UTC)

    def read(configuration: Configuration) -> Sequence[Event]:
        event = rocket.parse_event(
            body,
            timezone=configuration.organisation.timezone,
            received_at=received_at,
            max_ahead_s=services.settings.max_clock_skew_s,
        )
        if isinstance(event, list):
            raise InvalidPayload.from_fields(event)
        return [event]

    submission = Submission(principal.organisation_id, principal.credential, 1, read)
    (result,) = await submit(request, submission)
    return Json(
        {
            "status": result.status,
            "event_id": result.event_id,
            "processed_at": rfc3339(datetime.now(UTC)),
            "points_awarded": result.points_awarded,
            "badges": result.badges,
            "decisions": result.decisions,
            **({"reason": result.reason} if result.reason else {}),
        }
    )


@router.post(
    "/v1/events/batch",
    openapi_extra=openapi.BATCH,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=event_answers.Batch,
)
@router.post("/api/events/batch", include_in_schema=False)
async def post_batch(request: Request) -> Json:
    """Store up to 10,000 events. Bad ones are reported by their index; the rest are processed."""
    principal = await services_of(request).authenticator.principal(request, remembered=True)
    principal.needs("events:write")
    events = split_batch(await request.body())
    if events is None or not 1 <= len(events) <= MAX_BATCH_EVENTS:
        raise InvalidPayload.field("events", f"must be a list of 1 to {MAX_BATCH_EVENTS} events")
    received_at = datetime.now(UTC)
    max_ahead_s = services_of(request).settings.max_clock_skew_s

    def read(data: Any, configuration: Configuration) -> Event | list[FieldError]:
        return rocket.parse_event(
            data,
            timezone=configuration.organisation.timezone,
            received_at=received_at,
            max_ahead_s=max_ahead_s,
        )

    batch = batches.Batch(principal.organisation_id, principal.credential, read)
    await batches.refuse_too_heavy(request, batch, events)
    return Json(batches.answer(await batches.process(request, batch, events)))


@router.post(
    "/v1/events/validate",
    openapi_extra=openapi.EVENT,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=Validity,
)
async def validate_event(request: Request) -> Json:
    """Say what is wrong with an event; nothing is stored."""
    services = services_of(request)
    principal = await services.authenticator.principal(request)
    principal.needs("events:write")
    body = decode_event(await request.body())
    event = rocket.parse_event(
        body,
        timezone=ZoneInfo("UTC"),
        received_at=datetime.now(UTC),
        max_ahead_s=services.settings.max_clock_skew_s,
    )
    errors = event if isinstance(event, list) else []
    return Json({"valid": not errors, "errors": [error.as_dict() for error in errors]})
