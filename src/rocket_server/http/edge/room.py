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
    """Bytes that bodies hold, by sender. One sender has a quarter of it at most."""

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._held = 0
        self._by_sender: Counter[str] = Counter()
        BUFFERED_BYTES.set_function(lambda: self._held)

    def take(self, sender: str, size: int, *, small: bool) -> None:
        """Hold `size` bytes more for a body of `sender`; `small` while the body is at most SMALL_BYTES.

        Raises Unavailable where there is no room."""
        held = self._held + size
        if small:
            if held > self._total:
                raise _full("The server holds as many bodies as it can.")
        elif held > self._total * 3 // 4:
            raise _full("The server holds as many large bodies as it can.")
        elif self._by_sender[sender] + size > self._total // 4:
            raise _full("Too many large bodies of this sender are under way.")
        self._held = held
        self._by_sender[sender] += size

    def give(self, sender: str, size: int) -> None:
        """Let go of bytes that were taken."""
        self._held -= size
        left = self._by_sender[sender] - size
        if left:
            self._by_sender[sender] = left
        else:
            del self._by_sender[sender]


class Hold:
    """What one request holds of the room."""

    __slots__ = ("_room", "_sender", "_size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._sender = ""
        self._size = 0

    def begin(self, sender: str) -> None:
        """Whose the body is; before anything of it is taken."""
        self._sender = sender

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises Unavailable where there is no room."""
        self._room.take(self._sender, size, small=self._size + size <= SMALL_BYTES)
        self._size += size

    def give(self, size: int) -> None:
        """Let go of `size` bytes of what was taken."""
        self._room.give(self._sender, size)
        self._size -= size

    def end(self) -> None:
        """Let go of everything."""
        if self._size:
            self.give(self._size)


def _full(why: str) -> Unavailable:
    return Unavailable(f"{why} Send the same request again.", _RETRY_AFTER_S)
