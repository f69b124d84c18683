"""The connections of the sender: how many are kept, and how much one answer may bring."""

from __future__ import annotations

import asyncio
import functools
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

IDLE_S: Final = 4.0  # shorter than what common servers keep an idle connection for
MAX_ANSWER_BYTES: Final = 256 * 1024  # headers and all; beyond, reading is a waste of our time

_made: ContextVar[int] = ContextVar("made", default=0)


class TooMuch(HttpProcessingError):
    """An answer went on beyond MAX_ANSWER_BYTES."""


def made_by_this_task() -> int:
    """How many connections this task has begun to make: where that stands still, a kept one was used."""
    return _made.get()


class Connector(aiohttp.TCPConnector):
    """Keeps at most `most_kept` connections for later deliveries; those beyond are used once."""

    def __init__(self, most_kept: int, **options: Any) -> None:
        super().__init__(limit=0, use_dns_cache=False, keepalive_timeout=IDLE_S, **options)
        self._most_kept = most_kept
        self._kept: set[ResponseHandler] = set()
        self._factory = functools.partial(_Bounded, asyncio.get_running_loop())  # type: ignore[assignment]

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ASYNC109
        _made.set(_made.get() + 1)
        made = await super()._create_connection(req, traces, timeout)
        if len(self._kept) >= self._most_kept:
            self._kept = {connection for connection in self._kept if connection.is_connected()}
        if len(self._kept) < self._most_kept:
            self._kept.add(made)
        else:
            made.force_close()
        return made


class _Bounded(ResponseHandler):
    """A connection that is cut where an answer goes on and on.

    Memory is bounded by the client itself. But interim answers or chunks without a content, as fast as a
    network brings them, would keep the processor busy until the time-out, and others waiting.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = 0

    def set_response_params(self, **params: Any) -> None:
        self._received = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        # First, so that a status that came counts, however much came with it.
        super().data_received(data)
        self._received += len(data)
        if self._received > MAX_ANSWER_BYTES and self.transport is not None:
            self.set_exception(TooMuch())
            self.transport.abort()
