"""Limits how many deliveries an endpoint gets in a second, by the generic cell rate algorithm. Pure.

One moment is all that it has to remember: when the next delivery would be due if all were evenly spaced, the
"theoretical arrival time". See ITU-T I.371, annex A.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# How far the even spacing may be run ahead of: longer than a worker takes to look again.
BURST_S: Final = 0.5


def passes(throttle_at: datetime | None, per_s: float, now: datetime) -> int:
    """How many deliveries may pass now."""
    ahead_s = max(0.0, (throttle_at - now).total_seconds()) if throttle_at is not None else 0.0
    return max(0, int((BURST_S - ahead_s) * per_s + 1))


def taken(throttle_at: datetime | None, per_s: float, now: datetime, count: int) -> datetime:
    """What to remember after `count` deliveries passed."""
    start = now if throttle_at is None or throttle_at < now else throttle_at
    return start + timedelta(seconds=count / per_s)
