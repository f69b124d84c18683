"""Long computations that let others of the process have their turn, and end when they have had their time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rocket_server.errors import Unavailable
from rocket_server.presence import acting_for, short

SLICE_S: Final = 0.005


class TakesTooLong(Unavailable):
    """One piece of work took all the time that it may have. What can be divided is tried again in parts."""

    def __init__(self, retry_after_s: int = 5) -> None:
        super().__init__(
            "This takes too long in one piece. Send the same request again, with fewer events at once.",
            retry_after_s,
        )


class Pace:
    """For a loop that computes: `if pace.is_due(): await pace.rest()` in each round."""

    __slots__ = ("_deadline", "_slice_ends")

    def __init__(self, budget_s: float) -> None:
        """`budget_s` is the time that all rounds together may take, that of others in between included."""
        now = time.perf_counter()
        self._deadline = now + budget_s
        self._slice_ends = now + SLICE_S

    def is_due(self) -> bool:
        """Whether this slice of time is over."""
        return time.perf_counter() >= self._slice_ends

    async def rest(self) -> None:
        """Let others have their turn. Raises TakesTooLong where the budget is used up."""
        if time.perf_counter() >= self._deadline:
            raise TakesTooLong
        # Where somebody else waits for something short, half of the time is theirs.
        await asyncio.sleep(SLICE_S if short.of_others(acting_for.get()) else 0)
        self._slice_ends = time.perf_counter() + SLICE_S
