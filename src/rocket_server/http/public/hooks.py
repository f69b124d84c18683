"""Platforms' hooks: where a source's events come in, in the platform's own form.

These handlers read the raw body and decode it once; they are the hot path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from rocket_server import sources
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import FieldError, Forbidden, InvalidPayload, NotFound
from rocket_server.events.model import Event
from rocket_server.http import batches, openapi
from rocket_server.http.auth import AcceptedSource, check_address
from rocket_server.http.edge.body import split_list
from rocket_server.http.edge.context import RequestContext, context_of
from rocket_server.http.public import hook_models
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.submitting import failed, submit
from rocket_server.metrics import EVENTS
from rocket_server.organisations import request_log
from rocket_server.organisations.model import Source
from rocket_server.sources import moodle_wanted
from rocket_server.times import rfc3339
from rocket_server.usecases.intake import Submission

router = APIRouter()

MAX_HOOK_EVENTS = 2_000
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"
_HOOK_WORDS = {"processed": "success", "held": "ignored"}


@router.post(
    "/api/public/hook/{source}/event",
    openapi_extra=openapi.HOOK,
    responses=openapi.INTAKE_ERRORS,
    tags=["hooks"],
    response_model=hook_models.Hooked | hook_models.HookedList,
)
async def post_hook(request: Request, source: str) -> Json:
    """Take an event in a platform's own form. 200 once it is stored, also where it counts for nothing.

    Sources of kind `custom` and `valamis` may send a list of up to 100 events, and are answered for each.
    """
    services = services_of(request)
    sender = await services.authenticator.sender(request, source, remembered=True)
    content_type = request.headers.get("content-type")
    body = await request.body()
    context = context_of(request)
    received_at = datetime.now(UTC)
    if sources.KINDS[sender.source.kind].lists and body.lstrip(_BEFORE_JSON)[:1] == b"[":
        return await _post_list(request, sender, context, content_type, body, received_at)

    def read(configuration: Configuration) -> Sequence[Event]:
        current = current_source(configuration, sender)
        check_address(current, context.address)
        return [
            sources.read(
                body,
                content_type,
                configuration.reading(current, received_at, services.settings.max_clock_skew_s),
            )
        ]

    (result,) = await submit(
        request,
        Submission(
            sender.source.organisation_id,
            sender.credential,
            1,
            read,
            request_log.Request(
                sender.source.source_id,
                context.request_id,
                context.client,
                content_type,
                body,
            ),
        ),
    )
    return Json(
        {
            "status": _HOOK_WORDS.get(result.status, result.status),
            "event_id": result.event_id,
            "processed_at": rfc3339(datetime.now(UTC)),
            "points_awarded": result.points_awarded,
            **({"reason": result.reason} if result.reason else {}),
        }
    )


async def _post_list(
    request: Request,
    sender: AcceptedSource,
    context: RequestContext,
    content_type: str | None,
    body: bytes,
    received_at: datetime,
) -> Json:
    """Take a platform's list: all of its good events in one transaction, and what is wrong with the
    others by index."""
    services = services_of(request)
    items: list[Event | InvalidPayload] = []
    said: list[str] = []

    def read(configuration: Configuration) -> Sequence[Event]:
        current = current_source(configuration, sender)
        check_address(current, context.address)
        reading = configuration.reading(current, received_at, services.settings.max_clock_skew_s)
        items[:] = sources.read_list(body, reading)
        said[:] = [f"[{n}] {one.message}" for n, one in enumerate(items) if isinstance(one, InvalidPayload)]
        return [one for one in items if not isinstance(one, InvalidPayload)]

    logged = request_log.Request(
        sender.source.source_id, context.request_id, context.client, content_type, body
    )
    submission = Submission(
        sender.source.organisation_id, sender.credential, sources.MAX_LIST, read, logged, said
    )
    results = await submit(request, submission)
    found = iter(results)
    answers: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        if isinstance(item, InvalidPayload):
            EVENTS.labels("refused").inc()
            answers.append(failed(index, item.message))
            continue
        result = next(found)
        status = _HOOK_WORDS.get(result.status, result.status)
        answer: dict[str, Any] = {"index": index, "status": status, "event_id": result.event_id}
        answers.append(answer | ({"reason": result.reason} if result.reason else {}))
    points = sum(result.points_awarded for result in results)
    return Json({"points_awarded": points, "results": answers})


@router.post(
    "/api/public/hook/{source}/events",
    openapi_extra=openapi.HOOK_LIST,
    responses=openapi.INTAKE_ERRORS,
    tags=["hooks"],
    response_model=hook_models.HookedBatch,
)
async def post_hook_events(request: Request, source: str) -> Json:
    """Take up to 2,000 events in a platform's own form, each as if it came alone. 200 for whatever could be
    read, with what became of each: a `failed` one would fail again."""
    services = services_of(request)
    sender = await services.authenticator.sender(request, source, remembered=True)
    body = await request.body()
    events = split_list(body)
    if events is None or not 1 <= len(events) <= MAX_HOOK_EVENTS:
        raise InvalidPayload(
            f"The body must be a list of 1 to {MAX_HOOK_EVENTS} events.", {"limit": MAX_HOOK_EVENTS}
        )
    context = context_of(request)
    received_at = datetime.now(UTC)

    def read(data: Any, configuration: Configuration) -> Event | list[FieldError]:
        current = current_source(configuration, sender)
        check_address(current, context.address)
        try:
            return sources.read_fields(
                data, configuration.reading(current, received_at, services.settings.max_clock_skew_s)
            )
        except InvalidPayload as error:
            return [FieldError("", error.message)]

    logged = request_log.Request(
        sender.source.source_id,
        context.request_id,
        context.client,
        request.headers.get("content-type"),
        body,
    )
    batch = batches.Batch(sender.source.organisation_id, sender.credential, read, logged)
    results = await batches.process(request, batch, events)
    return Json({"results": [_hooked(result) for result in results]})


def _hooked(result: dict[str, Any]) -> dict[str, Any]:
    reason = result.get("reason") or result.get("error")
    status = _HOOK_WORDS.get(result["status"], result["status"])
    answer = {"index": result["index"], "status": status, "event_id": result["event_id"]}
    return answer | ({"reason": reason} if reason else {})


@router.get(
    "/api/public/hook/{source}/catalogue",
    tags=["hooks"],
    responses=openapi.ERRORS,
    response_model=hook_models.Catalogue,
)
async def hook_catalogue(request: Request, source: str) -> Response:
    """The Moodle events that are worth sending, by the catalogue and the source's mappings, and which field
    of one names the learner. With `If-None-Match`, 304 where it is as it was."""
    services = services_of(request)
    sender = await services.authenticator.sender(request, source)
    check_address(sender.source, context_of(request).address)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, sender.source.organisation_id)
    current = current_source(configuration, sender)
    if current.kind not in sources.CATALOGUED:
        raise NotFound(f"A source of kind {current.kind} has no catalogue.", {"field": "source"})
    events = [wanted._asdict() for wanted in moodle_wanted.wanted(current.mappings, configuration.activities)]
    answer = Json({"source": {"name": current.name, "site": current.site}, "events": events})
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": etag})
    answer.headers["etag"] = etag
    return answer


def current_source(configuration: Configuration, sender: AcceptedSource) -> Source:
    """The source of a request as it is set now. Raises Forbidden where it was removed."""
    source = configuration.source(sender.source.source_id)
    if source is None:
        raise Forbidden("This source was removed.")
    return source
