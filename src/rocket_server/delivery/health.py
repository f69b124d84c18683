"""What attempts say about an endpoint: its breaker, how long it has failed, who is to hear of that. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from rocket_server.delivery import breaker
from rocket_server.delivery.breaker import Breaker
from rocket_server.delivery.model import AttemptResult

News = Literal["endpoint.failing", "endpoint.recovered", "endpoint.disabled"]
DisabledReason = Literal["gone", "failing"]

_REPEAT: Final = timedelta(days=1)  # between two warnings


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """When an endpoint is left alone, warned about and disabled."""

    max_failures: int
    open_s: float
    warn_after: timedelta
    disable_after: timedelta


@dataclass(frozen=True, slots=True)
class Health:
    """`failing_since` is the first failure after the last success, `warned_at` the last warning since."""

    breaker: Breaker = field(default_factory=Breaker)
    failing_since: datetime | None = None
    warned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt's outcome. A `quiet` one was to deliver news of this kind: its failure makes no more."""

    outcome: AttemptResult
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What attempts made of an endpoint: its health, what is to be told, and why it was disabled if it was.

    `breaker` says whether the breaker had opened or closed by the end.
    """

    health: Health
    news: tuple[News, ...] = ()
    disabled: DisabledReason | None = None
    breaker: Literal["opened", "closed"] | None = None


def after(health: Health, attempts: Sequence[Attempt], limits: HealthLimits, now: datetime) -> Change:
    """Fold `attempts`, in the order in which they ended, into an endpoint's health."""
    change = _fold(health, attempts, limits, now)
    was, is_now = health.breaker.state, change.health.breaker.state
    if was != "closed" and is_now == "closed":
        return replace(change, breaker="closed")
    return replace(change, breaker="opened") if was != "open" and is_now == "open" else change


def _fold(health: Health, attempts: Sequence[Attempt], limits: HealthLimits, now: datetime) -> Change:
    news: list[News] = []
    for attempt in attempts:
        delivered = attempt.outcome.delivered
        held = breaker.after(
            health.breaker, delivered, now=now, max_failures=limits.max_failures, open_s=limits.open_s
        )
        if delivered:
            if health.warned_at is not None:
                news.append("endpoint.recovered")
            health = Health(held)
            continue
        health = replace(health, breaker=held, failing_since=health.failing_since or now)
        if attempt.outcome.gone:
            if not attempt.quiet:
                news.append("endpoint.disabled")
            return Change(health, tuple(news), "gone")
        if attempt.quiet:
            continue
        if _must_be_disabled(health, limits, now):
            return Change(health, (*news, "endpoint.disabled"), "failing")
        if _must_be_warned_about(health, limits, now):
            news.append("endpoint.failing")
            health = replace(health, warned_at=now)
    return Change(health, tuple(news))


def _must_be_warned_about(health: Health, limits: HealthLimits, now: datetime) -> bool:
    assert health.failing_since is not None
    if now - health.failing_since < limits.warn_after:
        return False
    return health.warned_at is None or now - health.warned_at >= _REPEAT


def _must_be_disabled(health: Health, limits: HealthLimits, now: datetime) -> bool:
    """Never without a warning some time ago: an endpoint that hears of little may fail twice in a week."""
    assert health.failing_since is not None
    if health.warned_at is None or now - health.failing_since < limits.disable_after:
        return False
    return now - health.warned_at >= min(_REPEAT, max(timedelta(), limits.disable_after - limits.warn_after))
