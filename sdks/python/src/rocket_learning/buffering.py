"""What an event buffer does, without threads, tasks or network: what is due, and what becomes of it.

As with calls, the work is a generator: it yields batches to send and is sent what came of each, so that the
blocking and the async buffer do the same.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from rocket_learning.errors import (
    ApiError,
    BufferClosedError,
    BufferFullError,
    CircuitOpenError,
    ConfigurationError,
    RocketError,
    TransportError,
)
from rocket_learning.events import rfc3339, utc_now
from rocket_learning.retry import is_temporary
from rocket_learning.types import BatchAnswer
from rocket_learning.watching import logger

Event = Mapping[str, Any]
Reason = Literal["refused", "rejected", "overflow", "closed"]
Overflow = Literal["dead_letter", "raise"]
OnDeadLetter = Callable[[Event, Reason, str], None]
Round = Generator[list[Event], BatchAnswer | RocketError, None]
Delivery = Generator[list[Event], BatchAnswer | RocketError, bool]


@dataclass(frozen=True, slots=True)
class BufferOptions:
    """`max_size` events are a batch, sent at once; fewer are sent after `flush_interval_s`.

    At most `capacity` events wait. One more is a dead letter, or, with `overflow="raise"`, BufferFullError.
    """

    max_size: int = 100
    flush_interval_s: float = 5.0
    capacity: int = 10_000
    overflow: Overflow = "dead_letter"

    def __post_init__(self) -> None:
        if not 1 <= self.max_size <= 10_000 or self.capacity < self.max_size or self.flush_interval_s <= 0:
            raise ConfigurationError(
                "buffer: max_size 1 to 10,000, capacity >= max_size, flush_interval_s > 0"
            )
        if self.overflow not in ("dead_letter", "raise"):
            raise ConfigurationError("buffer: overflow is dead_letter or raise")


class DeadLetters:
    """Where events go that can't be sent: to a function, to a file, a JSON object a line, or to the log.

    The reason is `refused` (the server refused their batch), `rejected` (the server refused this event),
    `overflow` (too many waited) or `closed` (the server couldn't be reached at the end).
    """

    def __init__(
        self,
        call: OnDeadLetter | None = None,
        file: Path | str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._call = call
        self._file = None if file is None else Path(file)
        self._clock = clock

    def add(self, event: Event, reason: Reason, error: str) -> None:
        """Keeps one event. Where that fails it is logged, whole."""
        try:
            if self._call is not None:
                self._call(event, reason, error)
            if self._file is not None:
                letter = {"at": rfc3339(self._clock()), "reason": reason, "error": error, "event": event}
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(letter, ensure_ascii=False) + "\n")
        except Exception:
            logger.exception("a dead letter couldn't be kept")
        else:
            if self._call is not None or self._file is not None:
                return
        logger.error("event lost (%s: %s): %s", reason, error, json.dumps(event, ensure_ascii=False))


class Buffering:
    """Events that wait. `clock` answers seconds that only grow; adding is safe from several threads."""

    def __init__(self, options: BufferOptions, dead: DeadLetters, clock: Callable[[], float]) -> None:
        self._options = options
        self._dead = dead
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Event, float]] = deque()
        self._held_until_s = 0.0
        self._is_held = False
        self.is_closed = False

    @property
    def waiting(self) -> int:
        """How many events have neither arrived nor become dead letters."""
        return len(self._waiting)

    def add(self, event: Event) -> bool:
        """Lets an event wait; True where something is due now.

        Raises BufferClosedError, and BufferFullError where overflow is `raise`.
        """
        with self._lock:
            if self.is_closed:
                raise BufferClosedError("the event buffer is closed")
            full = len(self._waiting) >= self._options.capacity
            if not full:
                self._waiting.append((event, self._clock()))
        if full:
            message = f"{self._options.capacity} events wait already"
            if self._options.overflow == "raise":
                raise BufferFullError(message)
            self._dead.add(event, "overflow", message)
        return self.due_in_s() == 0

    def due_in_s(self) -> float | None:
        """Seconds until something is to be sent; None where nothing waits."""
        with self._lock:
            if not self._waiting:
                return None
            now_s = self._clock()
            if self._is_held:
                return max(0.0, self._held_until_s - now_s)
            if len(self._waiting) >= self._options.max_size:
                return 0.0
            return max(0.0, self._waiting[0][1] + self._options.flush_interval_s - now_s)

    def round(self, *, everything: bool = False) -> Round:
        """Sends what is due, or everything; ends at the first batch that meets an outage."""
        while self._waiting and (everything or self.due_in_s() == 0):
            with self._lock:
                size = min(len(self._waiting), self._options.max_size)
                batch = [self._waiting[index][0] for index in range(size)]
            if not (yield from self._deliver(batch)):
                return

    def _deliver(self, batch: list[Event]) -> Delivery:
        """Sends a batch, in halves where it is too large; False in an outage, in which it goes on waiting."""
        result = yield batch
        if isinstance(result, RocketError) and is_outage(result):
            self._is_held, self._held_until_s = True, self._clock() + self._options.flush_interval_s
            return False
        if isinstance(result, ApiError) and result.status == 413 and len(batch) > 1:
            half = len(batch) // 2
            return (yield from self._deliver(batch[:half])) and (yield from self._deliver(batch[half:]))
        with self._lock:
            self._is_held = False
            for _ in batch:
                self._waiting.popleft()
        self._bury(batch, result)
        return True

    def close(self) -> None:
        """Nothing is taken any more."""
        with self._lock:
            self.is_closed = True

    def give_up(self) -> None:
        """What waits becomes dead letters; the end of a closed buffer."""
        while self._waiting:
            event, _ = self._waiting.popleft()
            self._dead.add(event, "closed", "the server couldn't be reached before the buffer was closed")

    def _bury(self, batch: list[Event], result: BatchAnswer | RocketError) -> None:
        if isinstance(result, RocketError):
            for event in batch:
                self._dead.add(event, "refused", str(result))
            return
        if not result["failed"]:
            return
        for item in result["results"]:
            if item["status"] == "failed":
                self._dead.add(batch[item["index"]], "rejected", item.get("error") or "no reason given")


def is_outage(error: RocketError) -> bool:
    """Whether the same batch may be taken later."""
    if isinstance(error, ApiError | TransportError):
        return is_temporary(error)
    return isinstance(error, CircuitOpenError)
