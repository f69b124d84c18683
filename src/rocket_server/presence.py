"""Who is here now: for whom a task works, and whose short requests are under way.

Long work of one organisation leaves pauses while another one waits for something short: a single turn of the
loop is soon over, but a request takes some twenty of them, one for each statement, and would else wait behind
somebody's work in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Whose request is being answered, set where its key or token was found good. What the server does by itself,
# and what it does before it knows who asks, is bounded where it begins.
acting_for: ContextVar[str | None] = ContextVar("acting_for", default=None)


class Short:
    """Short requests under way, by whom they are from."""

    def __init__(self) -> None:
        self._by: Counter[str] = Counter()

    @contextmanager
    def one(self, whose: str) -> Iterator[None]:
        """Such a request is under way."""
        self._by[whose] += 1
        try:
            yield
        finally:
            self._by[whose] -= 1
            if not self._by[whose]:
                del self._by[whose]

    def of_others(self, whose: str | None) -> bool:
        """Whether one of somebody else than `whose` is; None: of anybody."""
        return len(self._by) > (whose in self._by)


short = Short()  # of this process
