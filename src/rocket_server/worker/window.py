"""How many deliveries one endpoint may have in flight: more while it answers, fewer once it fails. Pure."""

from __future__ import annotations

from typing import Final

FIRST: Final = 4
MOST: Final = 128


class Window:
    """Grows by one with each success and halves with each failure, as congestion windows do.

    An endpoint that nothing is known of begins small, so that one that is dead holds few slots until that
    shows.
    """

    __slots__ = ("failing", "size")

    def __init__(self, failures: int = 0) -> None:
        """`failures` are those in a row that are known from before."""
        self.failing = failures > 0
        self.size = max(1, FIRST >> min(failures, 8))

    def succeeded(self) -> None:
        self.failing = False
        self.size = min(self.size + 1, MOST)

    def crowded(self) -> None:
        """It is well, but has enough to do."""
        self.size = max(self.size // 2, 1)

    def failed(self) -> None:
        self.failing = True
        self.size = max(self.size // 2, 1)
