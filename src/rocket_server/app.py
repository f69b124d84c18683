"""The one place where the server's parts are made, wired and closed."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from rocket_server import __version__
from rocket_server.badges.issue import StatusLists
from rocket_server.badges.issuers import Sealer
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.constraints import domain_error
from rocket_server.db.pool import open_database
from rocket_server.delivery.ping import Pings
from rocket_server.delivery.send import GuardedSender
from rocket_server.errors import (
    Conflict,
    FieldError,
    InternalError,
    InvalidPayload,
    MethodNotAllowed,
    NotFound,
    RocketError,
    Unavailable,
    UnsupportedMediaType,
)
from rocket_server.group_commit import GroupCommit
from rocket_server.http import intake
from rocket_server.http.api import (
    audit,
    badges,
    courses,
    deliveries,
    events,
    issuer,
    leaderboard,
    organisation,
    people,
    points,
    reasons,
    rules,
    simulation,
    splitting,
    users,
    webhooks,
)
from rocket_server.http.api import plugins as plugin_routes
from rocket_server.http.auth import Authenticator, guard
from rocket_server.http.edge.body import Bodies, BodyRefused
from rocket_server.http.edge.context import context_of
from rocket_server.http.edge.gate import Gate
from rocket_server.http.public import badges as public_badges
from rocket_server.http.public import operation, pages, validation
from rocket_server.http.queries import only_known_parameters
from rocket_server.http.responses import Json, error_response
from rocket_server.http.services import Services
from rocket_server.plugins import dispatch
from rocket_server.plugins.discovery import discover

log = structlog.get_logger(__name__)

_PINGS_AT_ONCE = 16
# Hot routes first: routes are tried in this order.
_ROUTERS = tuple(
    module.router
    for module in (
        intake,
        points,
        badges,
        events,
        users,
        reasons,
        people,
        splitting,
        leaderboard,
        simulation,
        rules,
        courses,
        organisation,
        audit,
        issuer,
        public_badges,
        webhooks,
        deliveries,
        plugin_routes,
        validation,
        operation,
        pages,
    )
)


def create_app(settings: Settings, database_url: str) -> Gate:
    """The ASGI application for a migrated database. Connections are opened when it starts serving."""

    bodies = Bodies.of(settings, guard)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await open_services(settings, database_url)
        app.state.services = services
        # What stands now stays: don't walk over it again each time a few hundred events made garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        try:
            yield
        finally:
            bodies.unpacker.close()
            await services.group_commit.close()
            await services.pings.close()
            await services.database.close()

    app = FastAPI(
        title="Rocket Learning Rewards",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # `operation` answers it
        redirect_slashes=False,
        responses={},
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
    )
    for router in _ROUTERS:
        # Networks that share a link to a page add parameters of their own.
        checked = [] if router in (public_badges.router, pages.router) else [Depends(only_known_parameters)]
        app.include_router(router, dependencies=checked)
    app.add_exception_handler(RocketError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_error)
    app.add_exception_handler(HTTPException, _on_error)
    app.add_exception_handler(asyncpg.IntegrityConstraintViolationError, _on_error)
    app.add_exception_handler(asyncpg.DataError, _on_error)
    # Starlette answers this one and raises it again, so that the gate logs it.
    app.add_exception_handler(Exception, _on_error)
    return Gate(
        app,
        bodies=bodies,
        trusted_proxies=settings.trusted_proxies,
        log_all=settings.log_level == "debug",
    )


def api_routes() -> list[APIRoute]:
    """Every route of the API, in the order in which they are tried."""
    return [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]


async def open_services(settings: Settings, database_url: str) -> Services:
    """The running parts, for the server and for commands that work without it."""
    plugins = await discover(settings, os.environ)
    database = await open_database(
        database_url,
        general_size=settings.pool_size,
        ingest_size=settings.ingest_connections * 2,
        timeout_s=settings.database_timeout_s,
    )
    configurations = Configurations(settings.moodle_activities, dispatch.subscriptions(plugins))
    return Services(
        settings,
        database,
        configurations,
        GroupCommit(
            database,
            configurations,
            in_flight=settings.ingest_connections,
            max_group=settings.group_max_events,
        ),
        Authenticator(
            database,
            failures_per_minute=settings.rate_limit_auth_failures,
            key_limit=settings.rate_limit_key,
            source_limit=settings.rate_limit_source,
        ),
        Pings(
            GuardedSender(
                allow_private=settings.allow_private_webhooks,
                allowed_cidrs=settings.webhook_allowed_cidrs,
                connections=_PINGS_AT_ONCE,
            ),
            _PINGS_AT_ONCE,
        ),
        plugins,
        Sealer(settings.encryption_key),
        StatusLists(),
    )


async def _on_error(request: Request, error: Exception) -> Json:
    if isinstance(error, asyncpg.DataError) and not _is_text_fault(error):
        raise error  # a defect, which the gate answers and logs
    known = _known(error)
    if isinstance(error, RequestValidationError) and _is_other_media(request, error):
        known = UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if isinstance(known, Unavailable):
        cause = known.__cause__
        log.warning(
            "unavailable",
            request_id=context_of(request).request_id,
            reason=known.message,
            cause=repr(cause) if cause is not None else None,
        )
    response = error_response(known, context_of(request).request_id)
    if response.status_code == 405:
        response.headers["Allow"] = _allowed_methods(request)
    return response


def _is_other_media(request: Request, error: RequestValidationError) -> bool:
    """Whether a body wasn't read because it doesn't say that it is JSON; `curl -d` says that it is a form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    unread = any(fault["loc"] == ("body",) and fault["type"] != "missing" for fault in error.errors())
    return unread and not is_json


def _allowed_methods(request: Request) -> str:
    """All methods of a path; Starlette itself names those of the first route that has it."""
    methods: set[str] = set()
    for route in (*request.app.routes, *api_routes()):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(methods))


def _known(error: Exception) -> RocketError:
    """The error of our own tree that a library's error means."""
    if isinstance(error, RocketError):
        return error
    if isinstance(error, BodyRefused):
        return error.error
    if isinstance(error, asyncpg.DataError):
        return InvalidPayload("A text contains NUL or half a character, which can't be stored.")
    if isinstance(error, RequestValidationError):
        return InvalidPayload.from_fields([_field_error(fault) for fault in error.errors()])
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return domain_error(error)
    if isinstance(error, HTTPException):
        known: dict[int, type[RocketError]] = {404: NotFound, 405: MethodNotAllowed, 409: Conflict}
        kind = known.get(error.status_code, InvalidPayload if error.status_code < 500 else InternalError)
        return kind("This path doesn't exist." if kind is NotFound else str(error.detail))
    return InternalError("The server made a mistake.")


def _is_text_fault(error: asyncpg.DataError) -> bool:
    """Whether the database, or the driver before it, refused characters that no text there can have."""
    refused = asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError
    return isinstance(error, refused) or isinstance(error.__cause__, UnicodeEncodeError)


def _field_error(fault: Any) -> FieldError:
    """One of pydantic's errors, with a dotted path that leaves out where the field was (body, query, …)."""
    path = ""
    for part in fault["loc"][1:] or fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return FieldError(path.encode("utf-8", "replace").decode(), str(fault["msg"]))
