"""A pool's connections shared out, so that one organisation's requests never take all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from rocket_server.errors import RateLimitExceeded, Unavailable
from rocket_server.presence import acting_for

MAX_WAITING: Final = 500  # requests of one organisation, for one pool
_RETRY_AFTER_S: Final = 2
_TOO_MANY: Final = "Too many requests of this organisation are at work at once. Send the same request again."


@dataclass(slots=True)
class _Share:
    """What one organisation uses of a pool now."""

    turns: asyncio.Semaphore
    users: int = field(default=0)  # that have a turn or wait for one


class Shares:
    """Half of a pool for each organisation, in the order in which its requests came."""

    def __init__(self, connections: int) -> None:
        self._most = max(1, connections // 2)
        self._shares: dict[str, _Share] = {}

    @asynccontextmanager
    async def turn(self, wait_s: float) -> AsyncIterator[None]:
        """The right to one more connection. Raises Unavailable where none came free in time, and
        RateLimitExceeded where the organisation for whom this is done has too many waiting already."""
        organisation_id = acting_for.get()
        if organisation_id is None:
            yield
            return
        share = self._shares.setdefault(organisation_id, _Share(asyncio.Semaphore(self._most)))
        if share.users >= self._most + MAX_WAITING:
            raise RateLimitExceeded(_TOO_MANY, _RETRY_AFTER_S)
        share.users += 1
        try:
            try:
                async with asyncio.timeout(wait_s):
                    await share.turns.acquire()
            except TimeoutError:
                # Whether the organisation asks for much or the database is slow isn't known.
                raise Unavailable(_TOO_MANY, _RETRY_AFTER_S) from None
            try:
                yield
            finally:
                share.turns.release()
        finally:
            share.users -= 1
            if not share.users:
                self._shares.pop(organisation_id, None)
