"""How long the turns of a server's loop take, by its own clock: what others' load doesn't change."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from dataclasses import dataclass
from pathlib import Path

_LAYOUT = struct.Struct("dd")
_EVERY_S = 0.001


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest turn so far: in seconds of the processor, and in seconds."""

    cpu_s: float
    wall_s: float


NEVER = Longest(0.0, 0.0)


class Turns:
    """A file that a server's process writes to and another one reads."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    def begin(self) -> None:
        """Forget what was."""
        self._shared[:] = bytes(_LAYOUT.size)

    def longest(self) -> Longest:
        """Since `begin`."""
        return Longest(*_LAYOUT.unpack(self._shared))

    def measure(self) -> None:
        """Note from now on how long the turns of the running loop take. A timer is due in each of them."""
        loop = asyncio.get_running_loop()
        before = (time.thread_time(), time.perf_counter())

        def tick() -> None:
            nonlocal before
            now = (time.thread_time(), time.perf_counter())
            cpu_s, wall_s = _LAYOUT.unpack(self._shared)
            turn = (now[0] - before[0], now[1] - before[1] - _EVERY_S)
            if turn[0] > cpu_s or turn[1] > wall_s:
                _LAYOUT.pack_into(self._shared, 0, max(cpu_s, turn[0]), max(wall_s, turn[1]))
            before = now
            loop.call_later(_EVERY_S, tick)

        tick()
