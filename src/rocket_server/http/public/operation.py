"""What an operator asks: health and metrics."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from rocket_server import __version__
from rocket_server.db import migrate
from rocket_server.db.pool import Database
from rocket_server.delivery import outbox
from rocket_server.errors import RocketError
from rocket_server.http.public import operation_answers
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.together import Together
from rocket_server.metrics import OLDEST_DELIVERY_SECONDS, WAITING_DELIVERIES
from rocket_server.presence import short

router = APIRouter(tags=["operation"])

_HEALTH_TIMEOUT_S = 3
_BACKLOG_TIMEOUT_S = 1


@router.get(
    "/v1/health",
    response_model=operation_answers.Health,
    responses={503: {"description": "A part doesn't work.", "model": operation_answers.Health}},
    tags=["operation"],
)
async def health(request: Request) -> Json:
    """Whether each part works: database, migrations, deliveries that wait."""
    with short.one("operator"):
        parts = await _together(request).health.answer()
    good = all(part["status"] == "ok" for part in parts.values())
    return Json(
        {"status": "ok" if good else "unavailable", "version": __version__, "parts": parts},
        status_code=200 if good else 503,
    )


@router.get("/openapi.json", include_in_schema=False)
async def document(request: Request) -> Response:
    """The API's description of itself: half a megabyte that takes a second to make, so it is made once and
    beside the loop."""
    state = request.app.state
    if not hasattr(state, "document"):
        state.document = asyncio.ensure_future(asyncio.to_thread(_encoded_document, request.app))
    return Response(await asyncio.shield(state.document), media_type="application/json")


def _encoded_document(app: Any) -> bytes:
    return msgspec.json.encode(app.openapi())


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Measurements of this process in Prometheus' text form, and the backlog of deliveries, which is
    everybody's. Without the database that is unknown, and the rest is there."""
    return Response(await _together(request).metrics.answer(), media_type=CONTENT_TYPE_LATEST)


class _OneForAll:
    """What anybody may ask without a key, so that a crowd of them mustn't cost more than one."""

    def __init__(self, database: Database) -> None:
        self.health = Together(partial(_health, database))
        self.metrics = Together(partial(_metrics, database))


def _together(request: Request) -> _OneForAll:
    state = request.app.state
    if not hasattr(state, "one_for_all"):
        state.one_for_all = _OneForAll(services_of(request).database)
    found: _OneForAll = state.one_for_all
    return found


async def _health(database: Database) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT_S), database.spare() as conn:
            parts["database"] = {"status": "ok"}
            revision = await migrate.revision_of(conn)
            up_to_date = revision == migrate.HEAD
            parts["migrations"] = {"status": "ok" if up_to_date else "behind", "revision": revision}
            waiting, oldest_s = await outbox.backlog(conn)
            parts["delivery"] = {"status": "ok", "waiting": waiting, "oldest_s": oldest_s}
    except (RocketError, TimeoutError):
        parts["database"] = {"status": "unavailable"}
    return parts


async def _metrics(database: Database) -> bytes:
    waiting, oldest_s = math.nan, math.nan
    with suppress(RocketError, TimeoutError):
        async with asyncio.timeout(_BACKLOG_TIMEOUT_S), database.spare() as conn:
            waiting, oldest_s = await outbox.backlog(conn)
    WAITING_DELIVERIES.set(waiting)
    OLDEST_DELIVERY_SECONDS.set(oldest_s)
    return await asyncio.to_thread(generate_latest)
