"""Lets one request begin in each turn of the loop, so that a crowd of them doesn't make all others wait."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rocket_server.presence import short

_LONGEST_PAUSE_S: Final = 0.02


class Turnstile:
    """Requests pass in the order in which they come. One that comes alone passes with the next turn. While
    something short is under way, a pause follows each turn that is as long as the turn was."""

    def __init__(self) -> None:
        self._place = asyncio.Lock()

    async def enter(self) -> None:
        """Return when it is this request's turn."""
        async with self._place:
            began = time.perf_counter()
            await asyncio.sleep(0)
            if short.of_others(None):
                await asyncio.sleep(min(time.perf_counter() - began, _LONGEST_PAUSE_S))
