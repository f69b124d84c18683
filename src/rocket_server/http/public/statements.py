"""The hook of xAPI as a learning record store's clients know it: statements in, their ids out.

The Statement Resource and the About Resource of https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Communication.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Query, Request, Response

from rocket_server import sources
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.events.model import Event
from rocket_server.http import openapi
from rocket_server.http.auth import AcceptedSource, check_address
from rocket_server.http.edge.context import context_of
from rocket_server.http.public import hook_models
from rocket_server.http.public.hooks import current_source
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.submitting import submit
from rocket_server.organisations import request_log
from rocket_server.pipeline import Result
from rocket_server.sources import body as bodies
from rocket_server.sources import xapi
from rocket_server.sources.adapter import ReadingContext
from rocket_server.usecases.intake import Submission

router = APIRouter()

PATH: Final = "/api/public/hook/{source}/statements"
KIND: Final = "valamis"

_VERSIONS: Final = ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]
_HEADER: Final = "X-Experience-API-Version"
_ANSWERED: Final = {_HEADER: "1.0.3"}
_is_version = re.compile(r"1\.0(?:\.\d{1,3})?|2\.0(?:\.\d{1,3})?", re.ASCII).fullmatch


@router.post(
    PATH,
    openapi_extra=openapi.STATEMENTS,
    responses=openapi.INTAKE_ERRORS,
    tags=["hooks"],
    response_model=list[str],
)
async def post_statements(request: Request, source: str) -> Json:
    """Take one xAPI statement or a list of up to 100, all of them or none, as a learning record store does.
    The answer is a list of their ids, also of those sent before. Needs `X-Experience-API-Version`."""
    sent, results = await _take(request, source, None)
    ids = [xapi.id_of(one) or str(result.event_id) for one, result in zip(sent, results, strict=True)]
    return Json(ids, headers=_ANSWERED)


@router.put(
    PATH,
    status_code=204,
    openapi_extra=openapi.STATEMENTS,
    responses=openapi.INTAKE_ERRORS,
    tags=["hooks"],
)
async def put_statement(
    request: Request, source: str, statement_id: str = Query(alias="statementId", max_length=255)
) -> Response:
    """Take one xAPI statement under the id that is named. Needs `X-Experience-API-Version`."""
    await _take(request, source, statement_id)
    return Response(status_code=204, headers=_ANSWERED)


@router.get(
    "/api/public/hook/{source}/about",
    responses=openapi.ERRORS,
    tags=["hooks"],
    response_model=hook_models.About,
)
async def about(source: str) -> Json:
    """The versions of xAPI that are understood; the same for every source, and for everybody."""
    return Json({"version": _VERSIONS}, headers=_ANSWERED)


async def _take(request: Request, addressed: str, statement_id: str | None) -> tuple[list[Any], list[Result]]:
    services = services_of(request)
    sender = await services.authenticator.sender(request, addressed, remembered=True)
    if sender.source.kind != KIND:
        raise NotFound(f"A source of kind {sender.source.kind} takes no statements.", {"field": "source"})
    version = request.headers.get(_HEADER)
    if version is None or _is_version(version) is None:
        raise InvalidPayload.field(_HEADER, f"must be a version of xAPI, such as {_VERSIONS[1]}")
    body = await request.body()
    context = context_of(request)
    received_at = datetime.now(UTC)
    sent: list[Any] = []

    def read(configuration: Configuration) -> Sequence[Event]:
        current = current_source(configuration, sender)
        check_address(current, context.address)
        sent[:] = _statements(body, statement_id)
        reading = configuration.reading(current, received_at, services.settings.max_clock_skew_s)
        return [_read(number, one, reading) for number, one in enumerate(sent)]

    logged = request_log.Request(
        sender.source.source_id,
        context.request_id,
        context.client,
        request.headers.get("content-type"),
        body,
    )
    return sent, await submit(request, _submission(sender, read, logged))


def _submission(sender: AcceptedSource, read: Any, logged: request_log.Request) -> Submission:
    return Submission(sender.source.organisation_id, sender.credential, sources.MAX_LIST, read, logged)


def _statements(body: bytes, statement_id: str | None) -> list[Any]:
    """The statements in a body; one that is put has the id of its address."""
    found = bodies.parse(body, "application/json")
    if statement_id is None:
        statements = found if isinstance(found, list) else [found]
        if not 1 <= len(statements) <= sources.MAX_LIST:
            raise InvalidPayload(
                f"A list of statements must have 1 to {sources.MAX_LIST}.", {"limit": sources.MAX_LIST}
            )
        return statements
    if not isinstance(found, dict):
        raise InvalidPayload("Put one statement, as a JSON object.")
    if xapi.id_of(found) not in (None, statement_id):
        raise InvalidPayload.field("id", "must be that of statementId, or be left out")
    return [found | {"id": statement_id}]


def _read(number: int, statement: Any, reading: ReadingContext) -> Event:
    try:
        return sources.read_fields(statement, reading)
    except InvalidPayload as error:
        raise InvalidPayload(
            f"Statement {number}: {error.message}", error.details | {"index": number}
        ) from None
