"""The one place where the server's parts are made, wired and closed."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from rocket_server import __version__
from rocket_server.badges.issue import StatusLists
from rocket_server.badges.issuers import Sealer
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.console import application as console
from rocket_server.console.routes import POLICY as CONSOLE_POLICY
from rocket_server.db.pool import open_database
from rocket_server.delivery.ping import Pings
from rocket_server.delivery.send import GuardedSender
from rocket_server.http.api import (
    audit,
    badges,
    courses,
    deliveries,
    events,
    imports,
    intake,
    issuer,
    jobs,
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
from rocket_server.http.assessments import attempts, envelope, exchange
from rocket_server.http.assessments import routes as assessments
from rocket_server.http.auth import Authenticator, guard
from rocket_server.http.edge.body import Bodies
from rocket_server.http.edge.gate import Gate
from rocket_server.http.edge.policies import Handler, Policies, Policy
from rocket_server.http.failures import answer_failures
from rocket_server.http.public import badges as public_badges
from rocket_server.http.public import hooks, operation, pages, statements, validation
from rocket_server.http.queries import only_known_parameters
from rocket_server.http.services import Services
from rocket_server.members.passwords import Passwords
from rocket_server.plugins import dispatch
from rocket_server.plugins.discovery import discover
from rocket_server.usecases.examination.desk import Desk
from rocket_server.usecases.intake import Intake

_PINGS_AT_ONCE = 16
# Hot routes first: routes are tried in this order.
_ROUTERS = (
    intake.router,
    hooks.router,
    statements.router,
    *assessments.ROUTERS,
    *(
        module.router
        for module in (
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
            jobs,
            imports,
            public_badges,
            webhooks,
            deliveries,
            plugin_routes,
            validation,
            operation,
            pages,
        )
    ),
)
# What others add to these addresses changes nothing: platforms to their hooks', whose events would be lost by
# refusing them, and networks that share a link to a page.
_FREE_QUERIES = (hooks.router, public_badges.router, pages.router)

# Where a POST goes without the framework's routing, which takes longer than storing an event takes in a
# group. Each is an ordinary route as well, for the document and for other methods.
HOT: Final[dict[str, Handler]] = {
    "/v1/events": intake.post_event,
    "/v1/events/batch": intake.post_batch,
    "/api/events/batch": intake.post_batch,
    "/api/public/hook/{source}/event": hooks.post_hook,
    **attempts.HOT,
}


def policies(settings: Settings) -> Policies:
    """What the edge does with requests, by their path."""
    ordinary = Policy(settings.max_body_bytes, guard)
    batch = replace(ordinary, max_body_bytes=settings.max_batch_bytes)
    hook = replace(ordinary, free_query=True)
    own_bound = replace(ordinary, max_fields=None)  # rules may be many
    enveloped = replace(ordinary, errors=envelope.refusal)
    at_once = replace(ordinary, waits=False)  # operators ask while everybody else waits
    table = {
        "/v1/events/batch": batch,
        "/api/events/batch": batch,
        "/api/public/hook/{source}/event": hook,
        statements.PATH: hook,
        "/api/public/hook/{source}/events": replace(hook, max_body_bytes=settings.max_batch_bytes),
        imports.PATH: replace(ordinary, max_body_bytes=settings.max_import_bytes, streamed=True),
        "/v1/rules": own_bound,
        "/v1/rules/*": own_bound,
        "/v1/health": replace(at_once, hot=operation.health, hot_method="GET"),
        "/metrics": replace(at_once, hot=operation.metrics, hot_method="GET"),
        f"{envelope.PREFIX}/*": enveloped,
        exchange.IMPORT: replace(enveloped, max_body_bytes=exchange.MAX_FILE_BYTES, max_fields=None),
        f"{envelope.AT_ROOT}*": enveloped,
        **dict.fromkeys(attempts.HOT, enveloped),
        "/console": CONSOLE_POLICY,
        "/console/*": CONSOLE_POLICY,
    }
    hot = {path: replace(table.get(path, ordinary), hot=handler) for path, handler in HOT.items()}
    return Policies(ordinary, table | hot)


def create_app(settings: Settings, database_url: str) -> Gate:
    """The ASGI application for a migrated database. Connections are opened when it starts serving."""

    bodies = Bodies.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await open_services(settings, database_url)
        app.state.services = services
        _ready_routes(app)
        # What stands now stays: don't walk over it again each time a few hundred events made garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 5, 50)
        try:
            yield
        finally:
            bodies.unpacker.close()
            await services.intake.close()
            await services.desk.close()
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
        checked = [] if router in _FREE_QUERIES else [Depends(only_known_parameters)]
        app.include_router(router, dependencies=checked)
    app.router.routes.extend(route.as_route() for route in console.ROUTES)
    app.state.api_routes = api_routes()
    answer_failures(app)
    return Gate(
        app,
        bodies=bodies,
        policies=policies(settings),
        trusted_proxies=settings.trusted_proxies,
        log_all=settings.log_level == "debug",
    )


def _ready_routes(app: FastAPI) -> None:
    """Let the framework make of its routes what it else makes with the first request, which would take some
    hundred milliseconds for all who ask then."""
    nothing: dict[str, object] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "root_path": "",
        "headers": [],
    }
    for route in app.router.routes:
        route.matches(dict(nothing))


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
        Intake(
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
        Desk(database, configurations),
        Passwords(),
    )
