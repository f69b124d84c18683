"""Decides what follows a try: delivered, again at some time, given up, or the receiver is gone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from rocket_server.delivery.model import AttemptResult, Status

RETRY_AFTER_MAX_S: Final = 86_400.0
WAIT_MAX_S: Final = 21_600.0
FACTOR: Final = 5.0
JITTER: Final = 0.2  # of the wait, on top of it

Verdict = Literal["delivered", "retry", "exhausted", "gone"]


@dataclass(frozen=True, slots=True)
class Next:
    """What follows. `at` is when the next try is due, None where there is none; `reason` is for people."""

    verdict: Verdict
    reason: str
    at: datetime | None = None

    @property
    def status(self) -> Status:
        """The delivery's status from now on. What waits for a receiver that is gone goes on waiting."""
        if self.verdict == "delivered":
            return "delivered"
        return "exhausted" if self.verdict == "exhausted" else "pending"

    @property
    def tries(self) -> int:
        """How many tries it used up. A receiver that says it is gone is asked no more until it is enabled."""
        return 0 if self.verdict == "gone" else 1


def after(
    outcome: AttemptResult, *, tries: int, max_attempts: int, base_s: float, now: datetime, random: float
) -> Next:
    """What follows the try with this outcome, which was the `tries`-th of `max_attempts` that count.

    The wait is `base_s` before the first retry and FACTOR times as long before each later one, at most
    WAIT_MAX_S, and up to JITTER of it longer, by `random` in [0, 1). `Retry-After` only ever makes it longer,
    and no longer than RETRY_AFTER_MAX_S.
    """
    if outcome.delivered:
        return Next("delivered", f"{told(outcome)}; delivered")
    if outcome.gone:
        return Next("gone", f"{told(outcome)}; the receiver is gone, so the endpoint was disabled", now)
    if tries >= max_attempts:
        used = "the only try" if max_attempts == 1 else f"try {tries} of {max_attempts}"
        return Next("exhausted", f"{told(outcome)}; that was {used}")
    wait_s = backoff_s(tries, base_s, random)
    asked = ""
    if outcome.retry_after_s is not None and outcome.retry_after_s > wait_s:
        wait_s = min(outcome.retry_after_s, max(wait_s, RETRY_AFTER_MAX_S))
        asked = f"; Retry-After asked for {seconds(outcome.retry_after_s)}"
    reason = f"{told(outcome)}{asked}; retry {tries} of {max_attempts - 1} in {seconds(wait_s)}"
    return Next("retry", reason, now + timedelta(seconds=wait_s))


def backoff_s(tries: int, base_s: float, random: float) -> float:
    """Seconds to wait after the `tries`-th try: see `after`."""
    # The exponent is bounded too: a float has an end.
    wait_s = min(base_s * FACTOR ** min(max(tries, 1) - 1, 40), WAIT_MAX_S)
    return wait_s * (1 + JITTER * random)


def told(outcome: AttemptResult) -> str:
    """What became of a try, in two or three words."""
    return f"HTTP {outcome.status}" if outcome.status is not None else (outcome.error or "no answer")


def seconds(value: float) -> str:
    """A number of seconds, with a digit after the point only where it matters."""
    return f"{value:.1f} s" if value < 10 and value != int(value) else f"{value:.0f} s"
