"""Pure work that takes long, such as reading a thousand rules: a thread for an organisation at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

from rocket_server.db.shares import Shares

T = TypeVar("T")

_WAIT_S: Final = 5.0
# Of this process: threads, and requests that compute for long in between others.
_threads = Shares(2)
_computing = Shares(2)


def alone() -> AbstractAsyncContextManager[None]:
    """The right to compute for long, which one request of an organisation has at a time: so that many of its
    requests take no more of the loop than one. Raises Unavailable and RateLimitExceeded as `aside` does."""
    return _computing.turn(_WAIT_S)


async def aside(work: Callable[[], T]) -> T:
    """What `work` answers, while others have their turn. Raises Unavailable or RateLimitExceeded where the
    organisation has too much of this already."""
    async with _threads.turn(_WAIT_S):
        return await asyncio.to_thread(work)
