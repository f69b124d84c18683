"""One piece of work for all who ask for the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """Who asks while the answer is being made gets that answer: a crowd costs as much as one."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        """What `work` answers, begun now or a moment ago. Raises what it raises."""
        running = self._running
        if running is None or running.done():
            running = self._running = asyncio.get_running_loop().create_task(self._work())
        # Shielded: the others wait for it also where this client goes away.
        return await asyncio.shield(running)
