"""A receiver of webhooks on a real socket, which does what a test wants and remembers what it got."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `at` is in seconds of the monotonic clock."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver does with a request: it waits, then answers."""

    status: int = 204
    after_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


class Receiver:
    """Listens in a thread of its own, in which `answer` decides about each call: 204 at once by default."""

    def __init__(self, answer: Callable[[Call], Answer] = lambda call: Answer()) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.at_once = 0
        self.most_at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)

    def url(self, path: str = "/") -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self, path: str | None = None) -> list[str]:
        """The `webhook-id` of each call, in the order of their coming."""
        return [call.webhook_id for call in list(self.calls) if path in (None, call.path)]

    def close(self) -> None:
        """Stop listening; open requests are cut off. A second time does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _start(self) -> int:
        async def handle(request: web.BaseRequest) -> web.Response:
            return await self._handle(request)

        self._runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        if "webhook-id" not in request.headers:  # somebody else, looking for a server of his own
            return web.Response(status=404)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            call = Call(request.path, headers, await request.read(), monotonic())
            self.calls.append(call)
            answer = self.answer(call)
            if answer.after_s:
                await asyncio.sleep(answer.after_s)
            return web.Response(status=answer.status, headers=answer.headers, text=answer.text)
        finally:
            self.at_once -= 1
