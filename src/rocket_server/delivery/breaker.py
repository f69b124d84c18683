"""A circuit breaker for each endpoint: a receiver that fails again and again is left alone for a while. Pure.

Closed, all deliveries pass. After some failures in a row it opens: none pass. After its time it is half open:
one delivery, the probe, passes. A success closes it, a failure opens it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` are those in a row. Until `retry_at` nothing passes: it is the end of the time that the
    breaker is open or, half open, of the probe's lease. None where it is closed."""

    state: State = "closed"
    failures: int = 0
    retry_at: datetime | None = None


def passes(breaker: Breaker, now: datetime) -> int | None:
    """How many deliveries may pass: 0, 1 as a probe, or None for any number.

    A probe whose lease has ended was lost with its worker, and another one takes its place.
    """
    if breaker.state == "closed":
        return None
    return 1 if breaker.retry_at is None or now >= breaker.retry_at else 0


def probing(breaker: Breaker, leased_until: datetime) -> Breaker:
    """The breaker after it let its probe pass."""
    return Breaker("half_open", breaker.failures, leased_until)


def after(breaker: Breaker, delivered: bool, *, now: datetime, max_failures: int, open_s: float) -> Breaker:
    """The breaker after an attempt ended. One that was under way when it opened doesn't prolong its time."""
    if delivered:
        return Breaker()
    failures = breaker.failures + 1
    if breaker.state == "open":
        return Breaker("open", failures, breaker.retry_at)
    if breaker.state == "half_open" or failures >= max_failures:
        return Breaker("open", failures, now + timedelta(seconds=open_s))
    return Breaker("closed", failures)
