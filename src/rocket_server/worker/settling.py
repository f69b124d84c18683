"""Gathers results for a moment and settles them in sets, one transaction for each organisation's."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

import structlog

from rocket_server import metrics
from rocket_server.db.halves import by_halves
from rocket_server.db.pool import Database
from rocket_server.delivery.settle import DeliveryResult, Policy, Settled, settle
from rocket_server.errors import RocketError

log = structlog.get_logger(__name__)

_GATHER_S: Final = 0.015
_SET: Final = 200  # results
_AT_ONCE: Final = 4  # organisations
_WAIT_S: Final = 0.2  # before the first new try while the database is away, doubled with each
_WAIT_MAX_S: Final = 5.0


class Settling:
    """Results that wait, in bounded number: who brings one waits while the database can't keep up.

    Each organisation's are settled by themselves, a set at a time, so that one whose rows somebody keeps
    locked doesn't make the others wait.
    """

    def __init__(self, database: Database, policy: Policy, size: int) -> None:
        """`size` is the number of results that may wait."""
        self._database = database
        self._policy = policy
        self._free = asyncio.Semaphore(size)
        self._waiting: dict[str, deque[DeliveryResult]] = {}  # by organisation
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self.counts: Counter[str] = Counter()  # results since they were last asked for

    async def put(self, result: DeliveryResult) -> None:
        """Bring a result."""
        await self._free.acquire()
        self._waiting.setdefault(result.claimed.organisation_id, deque()).append(result)
        self._news.set()

    async def run(self) -> None:
        """Settle what is brought, until cancelled."""
        try:
            while True:
                await self._news.wait()
                if all(len(results) < _SET for results in self._waiting.values()):
                    await asyncio.sleep(_GATHER_S)
                self._news.clear()
                self._start()
        finally:
            tasks = list(self._busy.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def finish(self) -> None:
        """Wait until all that was brought is settled."""
        while self._waiting or self._busy:  # noqa: ASYNC110 - once, when a worker stops
            await asyncio.sleep(_GATHER_S)

    def _start(self) -> None:
        idle = [organisation_id for organisation_id in self._waiting if organisation_id not in self._busy]
        for organisation_id in idle[: _AT_ONCE - len(self._busy)]:
            waiting = self._waiting.pop(organisation_id)
            results = [waiting.popleft() for _ in range(min(len(waiting), _SET))]
            if waiting:
                self._waiting[organisation_id] = waiting  # behind the others now
            task = asyncio.create_task(self._settle_set(organisation_id, results))
            self._busy[organisation_id] = task

    async def _settle_set(self, organisation_id: str, results: list[DeliveryResult]) -> None:
        try:
            await self._settle(organisation_id, results)
        except Exception:
            # Their leases end, and they are sent again.
            log.exception("results_not_settled", results=len(results))
        finally:
            del self._busy[organisation_id]
            for _ in results:
                self._free.release()
            self._news.set()

    async def _settle(self, organisation_id: str, results: list[DeliveryResult]) -> None:
        """Settle a set, however long the database is away. Deliveries whose leases end meanwhile are sent
        again by others, and these results then come too late."""

        async def work(part: Sequence[DeliveryResult]) -> None:
            wait_s = _WAIT_S
            while True:
                try:
                    settled = await self._database.run(
                        lambda conn: settle(conn, organisation_id, part, self._policy), ingest=True
                    )
                except RocketError as error:
                    log.warning("results_wait", results=len(part), reason=error.message)
                    await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311
                    wait_s = min(wait_s * 2, _WAIT_MAX_S)
                else:
                    self._tell(organisation_id, part, settled)
                    return

        def fail(part: Sequence[DeliveryResult], error: Exception) -> None:
            # One that can't be written mustn't keep back others. Its lease ends, and it is sent again.
            for result in part:
                log.error("result_not_settled", delivery_id=result.claimed.delivery_id, exc_info=error)

        await by_halves(results, work, fail, budget_s=math.inf)

    def _tell(self, organisation_id: str, results: Sequence[DeliveryResult], settled: Settled) -> None:
        self.counts.update(settled.counts)
        for outcome, count in settled.counts.items():
            metrics.DELIVERIES.labels(outcome).inc(count)
        for result in results:
            metrics.DELIVERY_SECONDS.observe(result.outcome.duration_ms / 1000)
        for endpoint_id, change in settled.changes.items():
            known = {"organisation_id": organisation_id, "endpoint_id": endpoint_id}
            if change.breaker == "opened":
                log.warning("breaker_opened", **known, failures=change.health.breaker.failures)
            elif change.breaker == "closed":
                log.info("breaker_closed", **known)
            if change.disabled:
                log.warning("endpoint_disabled", **known, reason=change.disabled)
