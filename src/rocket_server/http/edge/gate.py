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
from rocket_server.http.edge.policies import Policies
from rocket_server.http.edge.turnstile import Turnstile
from rocket_server.ids import uuid7
from rocket_server.metrics import REQUEST_SECONDS, REQUESTS

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_PARAMETERS = 100  # of a query string
_SLOW_S = 1.0

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
        policies: Policies,
        trusted_proxies: Sequence[Network],
        log_all: bool = False,
    ) -> None:
        """`policies` say what holds for which path. With `log_all`, every request is logged; else those that
        failed or took more than a second."""
        self._app = app
        self._bodies = bodies
        self._policies = policies
        self._trusted_proxies = trusted_proxies
        self._log_all = log_all
        self._turnstile, self._side_gate = Turnstile(), Turnstile()

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
        found = self._policies.find(scope["path"])
        policy = found.policy
        context = RequestContext(uuid7(), address, shown_address(address), policy)
        scope["rocket"] = context
        body = Body(self._bodies, policy, receive, scope, headers, context)
        status = 0
        # Parameters that nobody asks for are refused on the ordinary way.
        is_judged = scope["query_string"] and not policy.free_query
        hot = policy.hot if scope["method"] == policy.hot_method and not is_judged else None

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
            if scope["query_string"].count(b"&") >= MAX_PARAMETERS:
                raise InvalidPayload.field("query", f"must have at most {MAX_PARAMETERS} parameters")
            if hot is None:
                await (self._turnstile if policy.waits else self._side_gate).enter()
                await self._app(scope, body, send_marked)
            else:
                scope["app"], scope["route"] = self._app, found
                response = await hot(Request(scope, body), **found.variables)
                await response(scope, body, send_marked)
        except Exception as error:
            known = error.error if isinstance(error, BodyRefused) else error
            if not isinstance(known, RocketError):
                log.exception("request_failed", request_id=context.request_id, path=scope["path"])
                known = InternalError("The server made a mistake.")
            if not status:
                await policy.errors(known, context.request_id, scope)(scope, receive, send_marked)
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
    return InvalidPayload.field(name, "must be a text without NUL (%00)")
