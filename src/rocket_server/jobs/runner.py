"""One shape of background work: who has something due, a bounded piece of it, and how often to look.

What goes wrong with one organisation's work is that organisation's own: it waits longer with each failure,
while all others get their turn with each look.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog

from rocket_server import metrics
from rocket_server.errors import RocketError

log = structlog.get_logger(__name__)

# Whose work it is: the organisation's id, and what else tells it from others, such as an endpoint's id. Empty
# for work that belongs to the process.
Key = tuple[str, ...]

PAGE: Final = 200  # keys that are asked for at once
FIRST_WAIT_S: Final = 2.0  # after one failure, doubled with each further one
LONGEST_WAIT_S: Final = 600.0
_LOOK_AGAIN_MAX_S: Final = 30.0  # after looks that failed, the database being away
_REMEMBERED: Final = 100_000  # keys that rest, or that failed


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of background work. Any number of processes may do it: a piece locks what it works on.

    `due(after, limit)` answers the keys with something to do, in their order, from behind `after` on (None:
    from the start) and at most `limit`. `piece(key)` does one bounded piece and answers whether more is left.
    """

    name: str
    due: Callable[[Key | None, int], Awaitable[Sequence[Key]]]
    piece: Callable[[Key], Awaitable[bool]]
    every_s: float  # between two looks, unless there is more
    rest_s: float = 0.0  # for which a key that has no more is left alone
    at_once: int = 2  # pieces
    longest_s: float = 30.0  # that a piece may take


class Rests:
    """Who is left alone until when. Of too many, the ones that were added first are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[Key, tuple[float, int]] = OrderedDict()

    def rests(self, key: Key) -> bool:
        """Whether its time hasn't come yet."""
        found = self._until.get(key)
        return found is not None and found[0] > self._clock()

    def failed(self, key: Key, took_s: float = 0.0) -> tuple[int, float]:
        """Leave it alone for longer than the last time; how often it failed in a row, and for how many
        seconds it rests now. What takes long before it fails rests four times as long at least."""
        _, before = self._until.get(key, (0.0, 0))
        wait_s = max(FIRST_WAIT_S * 2 ** min(before, 20), 4 * took_s)
        wait_s = min(wait_s, LONGEST_WAIT_S) * random.uniform(0.75, 1)  # noqa: S311
        self._keep(key, wait_s, before + 1)
        return before + 1, wait_s

    def succeeded(self, key: Key, rest_s: float = 0.0) -> bool:
        """Forget its failures, and leave it alone for that long; whether it had failed."""
        _, before = self._until.pop(key, (0.0, 0))
        if rest_s:
            self._keep(key, rest_s, 0)
        return before > 0

    def failing(self) -> int:
        """How many failed the last time."""
        return sum(1 for _, failures in self._until.values() if failures)

    def _keep(self, key: Key, wait_s: float, failures: int) -> None:
        self._until[key] = (self._clock() + wait_s, failures)
        self._until.move_to_end(key)
        if len(self._until) > _REMEMBERED:
            self._until.popitem(last=False)


class Runner:
    """Does one job. Each look goes through all who have something due, so nobody is passed over for those
    who always have."""

    def __init__(self, job: Job, page: int = PAGE) -> None:
        self._job = job
        self._page = page
        self._rests = Rests()
        self._free = asyncio.Semaphore(job.at_once)
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Look again and again, until cancelled. A piece that takes long holds up no look."""
        look_failures = 0
        try:
            while True:
                try:
                    await self.look()
                    look_failures = 0
                except Exception as error:
                    look_failures += 1
                    log.warning("job_not_looked", job=self._job.name, **_told(error))
                await self._pause(look_failures)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def look(self) -> None:
        """Start a piece for each who has something due and isn't left alone; few of them at once."""
        after: Key | None = None
        self._more.clear()
        while True:
            found = await self._job.due(after, self._page)
            for key in found:
                if key not in self._running and not self._rests.rests(key):
                    await self._free.acquire()
                    self._running[key] = asyncio.create_task(self._do(key))
            if len(found) < self._page:
                break
            after = found[-1]
        metrics.JOB_LOOKED.labels(self._job.name).set_to_current_time()

    async def finish(self) -> bool:
        """Wait for the pieces that were begun; whether one left more to do."""
        while self._running:
            await asyncio.wait(self._running.values())
        return self._more.is_set()

    async def _do(self, key: Key) -> None:
        name, started = self._job.name, time.monotonic()
        outcome = "done"
        try:
            async with asyncio.timeout(self._job.longest_s):
                more = await self._job.piece(key)
            if self._rests.succeeded(key, 0.0 if more else self._job.rest_s):
                log.info("job_works_again", job=name, **_named(key))
            if more:
                self._more.set()
        except Exception as error:
            outcome = "failed"
            failures, wait_s = self._rests.failed(key, time.monotonic() - started)
            trouble = {"failures": failures, "wait_s": round(wait_s, 1), **_told(error)}
            log.warning("job_failed", job=name, **_named(key), **trouble)
        finally:
            del self._running[key]
            self._free.release()
            metrics.JOB_PIECES.labels(name, outcome).inc()
            metrics.JOB_SECONDS.labels(name).observe(time.monotonic() - started)
            metrics.JOB_FAILING.labels(name).set(self._rests.failing())

    async def _pause(self, look_failures: int) -> None:
        wait_s = self._job.every_s
        if look_failures:
            wait_s = max(wait_s, min(2.0 ** min(look_failures, 10), _LOOK_AGAIN_MAX_S))
        try:
            async with asyncio.timeout(wait_s * random.uniform(0.75, 1.25)):  # noqa: S311
                await (asyncio.Event() if look_failures else self._more).wait()
        except TimeoutError:
            return


async def run_all(jobs: Sequence[Job]) -> None:
    """Do all of them, each by itself, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(Runner(job).run())


async def the_process(after: Key | None, limit: int) -> Sequence[Key]:
    """The `due` of a job that belongs to the process."""
    return [()] if after is None else []


def _named(key: Key) -> dict[str, str]:
    return dict(zip(("organisation_id", "of"), (key[0], ":".join(key[1:])), strict=True)) if key else {}


def _told(error: Exception) -> dict[str, Any]:
    """What happens now and then in a sentence and with its cause, a defect with its traceback."""
    if not isinstance(error, RocketError | asyncpg.PostgresError | TimeoutError):
        return {"reason": repr(error), "exc_info": error}
    told = {"reason": str(error) or type(error).__name__}
    return told if error.__cause__ is None else told | {"cause": repr(error.__cause__)}
