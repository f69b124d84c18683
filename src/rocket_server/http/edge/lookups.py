"""Turns at looking up credentials that this process hasn't seen: whoever tries many keys waits alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rocket_server.errors import Unavailable

_RETRY_AFTER_S = 1


class Turns:
    """At most `at_once` at a time, and `waiting` that wait for it. Raises Unavailable beyond that."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = waiting

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        if not self._room:
            raise Unavailable(
                "Too many unknown credentials are being looked up. Send the same request again.",
                _RETRY_AFTER_S,
            )
        self._room -= 1
        try:
            await self._free.acquire()
        finally:
            self._room += 1
        try:
            yield
        finally:
            self._free.release()
