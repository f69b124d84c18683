"""What a body would become: its event, what is wrong with it, what it would be worth. Stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from rocket_server import pipeline, sources
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import FieldError, InvalidPayload, NotFound, RocketError
from rocket_server.events.model import Event
from rocket_server.http import openapi
from rocket_server.http.auth import Authenticator, check_address
from rocket_server.http.edge.body import decode_event
from rocket_server.http.edge.context import context_of
from rocket_server.http.public import hook_models
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.organisations.model import Source
from rocket_server.pipeline import Result
from rocket_server.sources import rocket

router = APIRouter(tags=["validation"], responses=openapi.ERRORS)

SourceName = Annotated[
    str | None, Query(max_length=100, description="A source's name or kind, whose form the body has.")
]


@router.post("/api/public/validate/webhook", openapi_extra=openapi.HOOK, response_model=hook_models.Trial)
@router.post(
    "/api/validate/event",
    openapi_extra=openapi.HOOK,
    operation_id="validate_as_event",
    response_model=hook_models.Trial,
)
async def validate(request: Request, source: SourceName = None) -> Json:
    """With a source's token, or a key and `?source=`: read the body as that source would; else as our own.
    A key needs the scope `events:write` or `read`."""
    services = services_of(request)
    organisation_id, source_id = await _caller(services.authenticator, request)
    body = await request.body()

    async def attempt(conn: Any) -> dict[str, Any]:
        configuration = await services.configurations.current(conn, organisation_id)
        read_as = _source(configuration, source_id, source)
        event = _read(body, request.headers.get("content-type"), configuration, read_as, services.settings)
        if isinstance(event, Event):
            (result,) = await pipeline.ingest(conn, configuration, [event], datetime.now(UTC))
            return _outcome(event, result)
        errors = [error.as_dict() for error in event]
        return {"valid": False, "errors": errors, "event": None, "decisions": []}

    # What was tried is undone: the decisions are exactly those that storing it would have made.
    return Json(await services.database.dry_run(attempt, ingest=True))


async def _caller(authenticator: Authenticator, request: Request) -> tuple[str, str | None]:
    """The organisation, and the source where it is a source's token that was sent."""
    if request.headers.get("authorization", "").partition(" ")[2].lstrip().startswith("rk_"):
        principal = await authenticator.principal(request)
        principal.needs("events:write", "read")
        return principal.organisation_id, None
    sender = await authenticator.sender(request, None)
    check_address(sender.source, context_of(request).address)
    return sender.source.organisation_id, sender.source.source_id


def _source(configuration: Configuration, source_id: str | None, name: str | None) -> Source | None:
    if source_id is not None:
        return configuration.source(source_id)
    if name is None:
        return None
    found = configuration.source_named(name) or configuration.source_of_kind(name)
    if found is None:
        raise NotFound(f"There is no source named {name!r}.", {"field": "source"})
    return found


def _read(
    body: bytes, content_type: str | None, configuration: Configuration, source: Source | None, settings: Any
) -> Event | Sequence[FieldError]:
    received_at = datetime.now(UTC)
    try:
        if source is None:
            return rocket.parse_event(
                decode_event(body),
                timezone=configuration.organisation.timezone,
                received_at=received_at,
                max_ahead_s=settings.max_clock_skew_s,
            )
        context = configuration.reading(source, received_at, settings.max_clock_skew_s)
        return sources.read(body, content_type, context)
    except InvalidPayload as error:
        return _field_errors(error)


def _field_errors(error: RocketError) -> list[FieldError]:
    listed = error.details.get("errors")
    if listed:
        return [FieldError(fault["path"], fault["message"]) for fault in listed]
    return [FieldError(error.details.get("field", ""), error.message)]


def _outcome(event: Event, result: Result) -> dict[str, Any]:
    return {
        "valid": True,
        "errors": [],
        "event": rocket.flat(event),
        "status": result.status,
        "reason": result.reason,
        "points_awarded": result.points_awarded,
        "decisions": result.decisions,
    }
