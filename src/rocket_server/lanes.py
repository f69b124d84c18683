"""Lanes: work that waits at the same time for one key shares a transaction.

Each key, such as an organisation, has a lane. What is submitted to an idle lane runs at once; what arrives
while the lane's transactions are at work waits and is taken together when one of them is done. So the wait is
never longer than a transaction, and the busier the server, the more submissions share the cost of one commit.

Lanes know nothing of what is submitted: `work` does it, for a whole group, in a transaction that it is given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from prometheus_client import Gauge, Histogram

from rocket_server.db.halves import by_halves
from rocket_server.db.pool import Database
from rocket_server.errors import RocketError, Unavailable
from rocket_server.presence import short

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# What is done in one transaction for the items of one key: an answer for each of them, in their order, or the
# error that is the answer to that one alone. What it raises undoes the transaction, and the items are tried
# again in parts, until those that can't be done are found.
Work = Callable[[Any, str, Sequence[Item]], Awaitable[Sequence[Answer | Exception]]]


@dataclass(frozen=True, slots=True)
class Meters:
    """What is measured of lanes: the weight that waits, the weight of each group, the seconds each took."""

    waiting: Gauge
    group: Histogram
    seconds: Histogram


class Lanes(Generic[Item, Answer]):
    """Takes items and answers each when the transaction that it was part of is committed."""

    def __init__(
        self,
        database: Database,
        work: Work[Item, Answer],
        *,
        most: Callable[[str], int],
        meters: Meters,
        in_flight: int = 2,
        max_waiting: int = 50_000,
        worth_another: int = 200,
    ) -> None:
        """`in_flight` transactions of one key run at once, each with items of at most `most(key)` weight, or
        one that is heavier; a further one is begun only where `worth_another` weight waits, for less is
        better off sharing the next one. `max_waiting` weight may wait in one lane."""
        self._database = database
        self._work = work
        self._most = most
        self._meters = meters
        self._in_flight = in_flight
        self._max_waiting = max_waiting
        self._worth_another = worth_another
        self._lanes: dict[str, _Lane[Item, Answer]] = {}
        self._closed = False

    async def submit(self, key: str, item: Item, weight: int = 1) -> Answer:
        """The item's answer, after the commit. Raises the error that is its answer, or Unavailable where the
        lane has no room, the server stops or the database is away. The item stays in its group also where
        who waits for it is cancelled."""
        if self._closed:
            raise Unavailable("The server is stopping. Send the same request again.")
        lane = self._lanes.setdefault(key, _Lane())
        if lane.waiting_weight + weight > self._max_waiting:
            raise Unavailable("Too much is waiting already. Send the same request again.")
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        lane.waiting.append(_Waiting(item, weight, done))
        lane.waiting_weight += weight
        self._meters.waiting.inc(weight)
        is_worth_it = lane.waiting_weight >= self._worth_another
        if not lane.running or (is_worth_it and lane.running < self._in_flight):
            lane.running += 1
            task = asyncio.create_task(self._run(key, lane))
            lane.tasks.add(task)
            task.add_done_callback(lane.tasks.discard)
        # Where the caller is cancelled, so is `done`, and nothing else: the item stays in its group.
        with short.one(key):
            return await done

    async def close(self) -> None:
        """Take nothing more, and wait until everything that was taken is answered."""
        self._closed = True
        tasks = [task for lane in self._lanes.values() for task in lane.tasks]
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, key: str, lane: _Lane[Item, Answer]) -> None:
        try:
            while group := lane.take(self._most(key)):
                weight = sum(waiting.weight for waiting in group)
                self._meters.waiting.dec(weight)
                self._meters.group.observe(weight)
                with self._meters.seconds.time():
                    await self._commit(key, group)
        finally:
            lane.running -= 1
            if not lane.running and not lane.waiting:
                self._lanes.pop(key, None)

    async def _commit(self, key: str, group: list[_Waiting[Item, Answer]]) -> None:
        """Commit a group and answer it; where it fails as a whole, its parts: one can't harm another."""

        async def work(part: Sequence[_Waiting[Item, Answer]]) -> None:
            items = [waiting.item for waiting in part]

            async def within(conn: Any) -> Sequence[Answer | Exception]:
                answers = await self._work(conn, key, items)
                if len(answers) != len(items):
                    raise AssertionError(f"{len(items)} items were given {len(answers)} answers")
                return answers

            for waiting, answer in zip(part, await self._database.run(within, ingest=True), strict=True):
                waiting.answer(answer)

        def fail(part: Sequence[_Waiting[Item, Answer]], error: Exception) -> None:
            if not isinstance(error, RocketError):
                log.error("submission_failed", key=key, exc_info=error)
            for waiting in part:
                waiting.answer(error)

        await by_halves(group, work, fail)


@dataclass(slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    weight: int
    done: asyncio.Future[Answer]

    def answer(self, answer: Answer | Exception) -> None:
        if self.done.done():
            return
        if isinstance(answer, Exception):
            # The future would keep the frames, and these the item and the future: nothing of it would be
            # freed before the collector of garbage comes by.
            self.done.set_exception(answer.with_traceback(None))
        else:
            self.done.set_result(answer)


@dataclass(slots=True)
class _Lane(Generic[Item, Answer]):
    """What waits for one key."""

    waiting: deque[_Waiting[Item, Answer]] = field(default_factory=deque)
    waiting_weight: int = 0
    running: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, most: int) -> list[_Waiting[Item, Answer]]:
        """What waited longest: at least one item, and no more than `most` weight."""
        group: list[_Waiting[Item, Answer]] = []
        weight = 0
        while self.waiting and (not group or weight + self.waiting[0].weight <= most):
            one = self.waiting.popleft()
            weight += one.weight
            group.append(one)
        self.waiting_weight -= weight
        return group
