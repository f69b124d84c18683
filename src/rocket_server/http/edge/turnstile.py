"""Lets few requests begin in each turn of the loop, so that a crowd of them doesn't make all others wait."""

from __future__ import annotations

import asyncio
from typing import Final

AT_ONCE: Final = 2  # in one turn of the loop: each takes a millisecond of it, or ten at the worst


class Turnstile:
    """Requests pass in the order in which they come. One that comes alone passes with the next turn."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def enter(self) -> None:
        """Return when it is this request's turn."""
        async with self._places:
            await asyncio.sleep(0)
