"""Requests per minute, counted by this process in fixed windows.

The counters are our own: a library's memory store that was tried starts a timer thread every ten
milliseconds under load and costs fifteen microseconds a request; this costs one.
"""

from __future__ import annotations

import time

from rocket_server.errors import RateLimitExceeded
from rocket_server.http.edge.context import RequestContext

_WINDOW_S = 60
_MAX_NAMES = 100_000  # counted at once; beyond that, who was counted longest ago is forgotten


class RateLimit:
    """At most `per_minute` requests for each name; 0 switches the limit off."""

    def __init__(self, what: str, per_minute: int) -> None:
        self._what = what
        self._per_minute = per_minute
        self._used: dict[str, int] = {}
        self._ends_at = 0.0  # of the window that is counted, on the monotonic clock

    def hit(self, name: str, context: RequestContext) -> None:
        """Count one request and say in the answer's headers what is left. Raises RateLimitExceeded."""
        if not self._per_minute:
            return
        self.count(name)
        used = self._used[name]
        reset_s = self._reset_s()
        context.headers += (
            (b"x-ratelimit-limit", b"%d" % self._per_minute),
            (b"x-ratelimit-remaining", b"%d" % max(0, self._per_minute - used)),
            (b"x-ratelimit-reset", b"%d" % reset_s),
        )
        if used > self._per_minute:
            raise self._exceeded(reset_s)

    def is_used_up(self, name: str) -> bool:
        """Whether nothing is left; counts nothing."""
        if not self._per_minute or name not in self._used:
            return False
        self._open_window()
        return self._used.get(name, 0) >= self._per_minute

    def exceeded(self, name: str) -> RateLimitExceeded | None:
        """Count one occurrence; the error where that is more than there may be."""
        if not self._per_minute:
            return None
        self.count(name)
        return self._exceeded(self._reset_s()) if self._used[name] > self._per_minute else None

    def count(self, name: str) -> None:
        """Count one occurrence, whatever is left."""
        if not self._per_minute:
            return
        self._open_window()
        if name not in self._used and len(self._used) >= _MAX_NAMES:
            del self._used[next(iter(self._used))]
        self._used[name] = self._used.get(name, 0) + 1

    def _open_window(self) -> None:
        now = time.monotonic()
        if now >= self._ends_at:
            self._used.clear()
            self._ends_at = now + _WINDOW_S

    def _reset_s(self) -> int:
        return max(1, round(self._ends_at - time.monotonic()))

    def _exceeded(self, reset_s: int) -> RateLimitExceeded:
        return RateLimitExceeded(
            f"More than {self._per_minute} {self._what} a minute. Wait {reset_s} seconds.", reset_s
        )
