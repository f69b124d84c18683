"""A proxy between an SDK and the server that makes trouble by script and remembers what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

_ANNOUNCEMENTS = "/_faults"
_MAX_BODY_BYTES = 32 * 1024 * 1024
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings", "host"}
)
_CODES = {429: "rate_limit_exceeded", 503: "unavailable"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived. `at_s` is on a clock of its own."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    at_s: float

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that were sent, one or many."""
        if self.path.endswith("/v1/events") and self.method == "POST":
            return [self.body]
        return list(self.body["events"]) if self.path.endswith("/v1/events/batch") else []


@dataclass(slots=True)
class FaultProxy:
    """Forwards to `upstream`; each scenario's faults are met by its first requests, in order."""

    upstream: str
    faults: Mapping[str, Sequence[Mapping[str, Any]]]
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    _scenario: str = ""
    _waiting: deque[Mapping[str, Any]] = field(default_factory=deque)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None
    _url: str = ""

    async def __aenter__(self) -> FaultProxy:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post(_ANNOUNCEMENTS + "/{scenario}", self._announce)
        app.router.add_route("*", "/{path:.*}", self._request)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=1)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    @property
    def base_url(self) -> str:
        return self._url

    @property
    def faults_url(self) -> str:
        """Where a driver announces its next scenario."""
        return self._url + _ANNOUNCEMENTS

    async def _announce(self, request: web.Request) -> web.Response:
        name = request.match_info["scenario"]
        if name not in self.faults:
            return web.Response(status=404, text=f"there is no scenario {name}\n")
        self._scenario = name
        self._waiting = deque(self.faults[name])
        self.seen[name] = []
        return web.Response(status=204)

    async def _request(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        decoded = json.loads(body) if body else None
        self.seen.setdefault(self._scenario, []).append(
            Seen(request.method, request.raw_path, request.headers, decoded, time.monotonic())
        )
        fault = self._waiting.popleft() if self._waiting else {"forward": True}
        if "answer" in fault:
            return _answer(fault)
        answer = await self._forward(request, body) if fault["forward"] else web.Response(status=500)
        await asyncio.sleep(fault.get("delay_s", 0))
        if fault.get("reset"):
            _reset(request)
        if fault.get("cut"):
            return await _half(request, answer)
        return answer

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = URL(self.upstream + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in _HOP_BY_HOP | {"content-length", "date", "server"}
            }
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


def _answer(fault: Mapping[str, Any]) -> web.Response:
    """An answer that the server never gave."""
    status = fault["answer"]
    headers = {}
    if "retry_after_s" in fault:
        headers["Retry-After"] = str(fault["retry_after_s"])
    if 300 <= status < 400:
        headers["Location"] = "/v1/health"
    if status not in _CODES:
        page = f"<html><h1>{status}</h1></html>" if fault.get("html") else ""
        return web.Response(status=status, headers=headers, text=page, content_type="text/html")
    body = {"error": _CODES[status], "message": "Made by the proxy.", "details": {}, "request_id": "proxy"}
    return web.json_response(body, status=status, headers=headers)


def _reset(request: web.Request) -> None:
    """Breaks the connection as a machine that crashed does: with RST."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    raise asyncio.CancelledError


async def _half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Sends half of an answer's body, and ends."""
    body = whole.body
    assert isinstance(body, bytes)
    part = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
    part.content_length = len(body)
    await part.prepare(request)
    await part.write(body[: len(body) // 2])
    with contextlib.suppress(ConnectionError):
        assert request.transport is not None
        request.transport.close()
    return part
