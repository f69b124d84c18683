"""Spares a server that fails: after some failures in a row nothing is sent for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from rocket_learning.errors import ApiError, CircuitOpenError, ConfigurationError, TransportError

State = Literal["closed", "open", "half_open"]


class CircuitBreaker:
    """Opens after `threshold` failures in a row; after `reset_s` one trial decides whether it closes.

    Each try asks with `enter` and then says how it ended, with exactly one of `succeeded`, `failed` and
    `cancelled`. `clock` answers seconds that only grow. May be used from several threads.
    """

    def __init__(
        self,
        threshold: int = 5,
        reset_s: float = 60.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[State, State], None] | None = None,
    ) -> None:
        if threshold < 1 or reset_s < 0:
            raise ConfigurationError("circuit breaker: threshold >= 1 and reset_s >= 0")
        self._threshold = threshold
        self._reset_s = reset_s
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._failures = 0
        self._opened_at_s = 0.0

    @property
    def state(self) -> State:
        return self._state

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Guards what is done within; an exception is a failure. Raises CircuitOpenError."""
        self.enter()
        try:
            yield
        except Exception:
            self.failed()
            raise
        except BaseException:  # interrupted, which says nothing of what was called
            self.cancelled()
            raise
        self.succeeded()

    def enter(self) -> None:
        """A try is about to be made. Raises CircuitOpenError where it mustn't be."""
        with self._changing():
            if self._state == "closed":
                return
            left_s = self._opened_at_s + self._reset_s - self._clock()
            if self._state == "half_open" or left_s > 0:
                raise CircuitOpenError(max(left_s, 0.0))
            self._state = "half_open"

    def succeeded(self) -> None:
        """The server answered, be it with a refusal."""
        with self._changing():
            if self._state != "open":
                self._failures, self._state = 0, "closed"

    def failed(self) -> None:
        """The server failed or couldn't be reached."""
        with self._changing():
            if self._state == "open":
                return
            self._failures += 1
            if self._state == "half_open" or self._failures >= self._threshold:
                self._opened_at_s = self._clock()
                self._state = "open"

    def cancelled(self) -> None:
        """The try ended without an outcome; another trial may be made at once."""
        with self._changing():
            if self._state == "half_open":
                self._state = "open"

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            before = self._state
            yield
            after = self._state
        if after != before and self._on_change is not None:
            self._on_change(before, after)


def is_failure(error: ApiError | TransportError | None) -> bool:
    """Whether a try that ended so counts against the server."""
    return isinstance(error, TransportError) or (isinstance(error, ApiError) and error.status >= 500)
