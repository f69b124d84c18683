"""The memory of one process for bodies: bounded for all of them together, and for those of one sender."""

from __future__ import annotations

from collections import Counter

from rocket_server.errors import Unavailable
from rocket_server.metrics import BUFFERED_BYTES

# What single events and settings fit into. A part of the room is theirs alone, so that batches never keep
# them out.
SMALL_BYTES = 64 * 1024
_RETRY_AFTER_S = 2


class Room:
    """Bytes that bodies hold. One sender's large ones have a quarter of it at most."""

    def __init__(self, total_bytes: int) -> None:
        self.total = total_bytes
        self.held = 0
        self._large: Counter[str] = Counter()
        BUFFERED_BYTES.set_function(lambda: self.held)

    def let_in(self, sender: str, size: int, grown_by: int) -> None:
        """Count `grown_by` bytes more of a body above SMALL_BYTES, of which `size` bytes aren't held yet.
        Raises Unavailable where there is no room."""
        if self.held + size > self.total * 3 // 4:
            raise _full("The server holds as many large bodies as it can.")
        if self._large[sender] + grown_by > self.total // 4:
            raise _full("Too many large bodies of this sender are under way.")
        self._large[sender] += grown_by

    def let_out(self, sender: str, size: int) -> None:
        """Count `size` bytes of a large body no more."""
        self._large[sender] -= size
        if not self._large[sender]:
            del self._large[sender]


class Hold:
    """What one request holds of the room."""

    __slots__ = ("_counted", "_room", "_size", "sender")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0
        self._counted = 0  # as large
        self.sender = ""

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises Unavailable where there is no room."""
        room, total = self._room, self._size + size
        if total > SMALL_BYTES:
            room.let_in(self.sender, size, total - self._counted)
            self._counted = total
        elif room.held + size > room.total:
            raise _full("The server holds as many bodies as it can.")
        room.held += size
        self._size = total

    def give(self, size: int) -> None:
        """Let go of `size` bytes of what was taken."""
        self._room.held -= size
        self._size -= size
        if self._counted > self._size:
            self._room.let_out(self.sender, self._counted - self._size)
            self._counted = self._size

    def end(self) -> None:
        """Let go of everything."""
        if self._size:
            self.give(self._size)


def _full(why: str) -> Unavailable:
    return Unavailable(f"{why} Send the same request again.", _RETRY_AFTER_S)
