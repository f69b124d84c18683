"""What a client tells of its work: to a hook of the caller's, and to the logger `rocket_learning`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from rocket_learning.breaker import State

logger = logging.getLogger("rocket_learning")


@dataclass(frozen=True, slots=True)
class TryEnded:
    """One request was made. `status` is None where no answer came, and `error` then says why."""

    method: str
    url: str  # without its query
    number: int  # of the try, from 1
    status: int | None
    error: str | None
    elapsed_ms: float | None


@dataclass(frozen=True, slots=True)
class RetryPlanned:
    """The same request is made again after `delay_s`."""

    method: str
    url: str
    number: int  # of the try that failed
    delay_s: float


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """The circuit breaker is in another state."""

    before: State
    after: State


Notice = TryEnded | RetryPlanned | BreakerChanged
Hook = Callable[[Notice], None]

_LEVELS = {TryEnded: logging.DEBUG, RetryPlanned: logging.INFO, BreakerChanged: logging.WARNING}


def tell(hook: Hook | None, notice: Notice) -> None:
    """Logs what happened and hands it to the hook, whose own errors never reach a call."""
    logger.log(_LEVELS[type(notice)], "%s", notice)
    if hook is None:
        return
    try:
        hook(notice)
    except Exception:
        logger.exception("the hook failed")
