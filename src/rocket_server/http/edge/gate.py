"""What every request passes: an id, its real sender, a bounded body when its handler asks for it, pages that
are safe in a browser, a measured and logged answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request

from rocket_server.errors import InternalError, InvalidPayload, NotFound, RocketError
from rocket_server.http.edge.body import Bodies, Body, BodyRefused
from rocket_server.http.edge.context import Network, RequestContext, client_address, shown_address
from rocket_server.http.edge.pages import page_headers
from rocket_server.http.edge.turnstile import Turnstile
from rocket_server.http.intake import HOT_ROUTES, HotRoute, hot_route
from rocket_server.http.responses import error_response
from rocket_server.ids import uuid7
from rocket_server.metrics import REQUEST_SECONDS, REQUESTS

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

BATCH_PATHS = frozenset({"/v1/events/batch", "/api/events/batch"})
_SLOW_S = 1.0
# What operators ask while everybody else waits.
_ALWAYS = frozenset({"/v1/health", "/metrics"})

# Looking up a metric's child takes longer than counting; their number is bounded by the routes.
_requests = cache(REQUESTS.labels)
_request_seconds = cache(REQUEST_SECONDS.labels)


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: App,
        *,
        bodies: Bodies,
        trusted_proxies: Sequence[Network],
        log_all: bool = False,
    ) -> None:
        """With `log_all`, every request is logged; else those that failed or took more than a second."""
        self._app = app
        self._bodies = bodies
        self._trusted_proxies = trusted_proxies
        self._log_all = log_all
        self._turnstile = Turnstile()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        peer = scope.get("client")
        forwarded = headers.get(b"x-forwarded-for") if self._trusted_proxies else None
        address = client_address(
            peer[0] if peer else None,
            forwarded.decode("latin-1") if forwarded else None,
            self._trusted_proxies,
        )
        context = RequestContext(uuid7(), address, shown_address(address))
        scope["rocket"] = context
        bodies = self._bodies
        limit = bodies.max_batch_bytes if scope["path"] in BATCH_PATHS else bodies.max_bytes
        body = Body(bodies, limit, receive, scope, headers, context)
        status = 0
        hot: HotRoute | None = None

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *(page_headers(message["headers"]) if hot is None else ()),
                    (b"x-request-id", context.request_id.encode()),
                    *context.headers,
                ]
            await send(message)

        try:
            if b"%00" in scope["raw_path"] or b"%00" in scope["query_string"]:
                raise _has_nul(scope)
            hot = hot_route(scope["path"]) if scope["method"] == "POST" else None
            if scope["query_string"] and hot is not None and hot.path in HOT_ROUTES:
                hot = None  # parameters are judged on the ordinary way
            if hot is None:
                if scope["path"] not in _ALWAYS:
                    await self._turnstile.enter()
                await self._app(scope, body, send_marked)
            else:
                scope["app"], scope["route"] = self._app, hot
                response = await hot.handler(Request(scope, body))
                await response(scope, body, send_marked)
        except Exception as error:
            known = error.error if isinstance(error, BodyRefused) else error
            if not isinstance(known, RocketError):
                log.exception("request_failed", request_id=context.request_id, path=scope["path"])
                known = InternalError("The server made a mistake.")
            if not status:
                await error_response(known, context.request_id)(scope, receive, send_marked)
        finally:
            body.end()
        self._record(scope, context, status, time.perf_counter() - started)

    def _record(
        self, scope: MutableMapping[str, Any], context: RequestContext, status: int, seconds: float
    ) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        _requests(scope["method"], route, status).inc()
        _request_seconds(route).observe(seconds)
        if status < 400 and seconds <= _SLOW_S and not self._log_all:
            return
        write = log.error if status >= 500 else log.warning if seconds > _SLOW_S else log.info
        write(
            "request",
            request_id=context.request_id,
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
            address=context.client,
        )


def _has_nul(scope: MutableMapping[str, Any]) -> RocketError:
    """NUL is no character of any name here, and PostgreSQL has none of it."""
    if "\0" in scope["path"]:
        return NotFound("This path doesn't exist.", {"field": "path", "expected": "a path without NUL (%00)"})
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    name = next((name for name, value in pairs if "\0" in value), "query")
    return InvalidPayload.field(name, "a text without NUL (%00)")
