"""Pure work that takes long, such as reading a thousand rules: a thread for an organisation at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from rocket_server.db.shares import Shares

T = TypeVar("T")

_WAIT_S: Final = 5.0
_threads = Shares(2)  # of this process


async def aside(work: Callable[[], T]) -> T:
    """What `work` answers, while others have their turn. Raises RateLimitExceeded where the organisation has
    too much of this already."""
    async with _threads.turn(_WAIT_S):
        return await asyncio.to_thread(work)
