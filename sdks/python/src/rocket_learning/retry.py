"""When a failed try is made again. Pure: the random number is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rocket_learning.errors import ApiError, ConfigurationError, TransportError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter, for network errors, time-outs, 5xx and 429; never for other 4xx.

    The wait before retry n (from 0) is `min(base_delay_s * multiplier**n, max_delay_s)`, of which jitter
    takes away up to its share. The server's `Retry-After` lengthens it, up to `max_retry_after_s`.
    """

    enabled: bool = True
    max_retries: int = 3
    base_delay_s: float = 1.0
    multiplier: float = 2.0
    max_delay_s: float = 30.0
    jitter: float = 0.5
    max_retry_after_s: float = 60.0

    def __post_init__(self) -> None:
        if self.max_retries < 0 or self.multiplier < 1 or not 0 <= self.jitter <= 1:
            raise ConfigurationError("retry: max_retries >= 0, multiplier >= 1 and jitter from 0 to 1")
        if min(self.base_delay_s, self.max_delay_s, self.max_retry_after_s) < 0:
            raise ConfigurationError("retry: a delay can't be below 0")

    @classmethod
    def none(cls) -> RetryPolicy:
        """One try, and no more."""
        return cls(enabled=False)

    def delay_s(self, failure: ApiError | TransportError, retry: int, random: float) -> float | None:
        """Seconds until the next try after `failure` and so many retries; None where it was the last one.

        `random` is from 0 to 1.
        """
        if not self.enabled or retry >= self.max_retries or not is_temporary(failure):
            return None
        delay_s = min(self._backoff_s(retry), self.max_delay_s) * (1 - self.jitter * random)
        retry_after = failure.retry_after if isinstance(failure, ApiError) else None
        return max(delay_s, min(retry_after or 0, self.max_retry_after_s))

    def _backoff_s(self, retry: int) -> float:
        try:
            return self.base_delay_s * math.pow(self.multiplier, retry)
        except OverflowError:
            return math.inf


def is_temporary(failure: ApiError | TransportError) -> bool:
    """Whether the same request may succeed later."""
    return not isinstance(failure, ApiError) or failure.status >= 500 or failure.status == 429
