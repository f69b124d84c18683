"""Background work in general: everybody gets a turn, and trouble stays with who has it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rocket_server import jobs, metrics
from rocket_server.errors import Unavailable
from rocket_server.jobs import LONGEST_WAIT_S, Job, Rests, Runner

PATIENCE_S = 30


class Work:
    """Work of many, of whom some always have more."""

    def __init__(self, keys, busy=(), broken=None, slow=()):
        self.keys = sorted((key,) for key in keys)
        self.busy = set(busy)
        self.broken = broken or {}
        self.slow = set(slow)
        self.done = []
        self.at_once = self.most_at_once = self.looks = 0

    async def due(self, after, limit):
        self.looks += 1
        return [key for key in self.keys if after is None or key > after][:limit]

    async def piece(self, key):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if key[0] in self.broken:
                raise self.broken[key[0]]
            if key[0] in self.slow:
                await asyncio.Event().wait()
            self.done.append(key[0])
            return key[0] in self.busy
        finally:
            self.at_once -= 1

    def job(self, **settings):
        plain = {"every_s": 0.01, "rest_s": 1000.0}
        return Job("tested", self.due, self.piece, **(plain | settings))


@asynccontextmanager
async def running(runner):
    """The runner at work while the block lasts."""
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds):
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for are other tasks
            await asyncio.sleep(0.001)


def names(count):
    return [f"{number:03}" for number in range(count)]


async def test_the_newest_are_served_beside_a_hundred_that_are_always_busy():
    """Of 150, where the 100 older ones always have more, each gets a turn with each look."""
    work = Work(names(150), busy=names(100))
    async with running(Runner(work.job(), page=100)):
        await until(lambda: len(set(work.done)) == 150 and work.done.count("000") >= 3)
    counts = {name: work.done.count(name) for name in names(100)}
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a defect"),
        Unavailable("away"),
        RecursionError(),
        MemoryError(),
        ExceptionGroup("x", [OSError()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_always_fails_for_one_is_done_for_the_others(error):
    """Whatever the exception; it is counted, and the failing one rests."""
    work = Work(names(20), busy=names(20), broken={"000": error, "010": error})
    failed = metrics.JOB_PIECES.labels("tested", "failed")
    before = failed._value.get()
    async with running(Runner(work.job())):
        await until(lambda: work.done.count("019") >= 5)
        assert metrics.JOB_FAILING.labels("tested")._value.get() == 2
    assert set(work.done) == set(names(20)) - {"000", "010"}
    assert failed._value.get() - before == 2


async def test_what_never_ends_is_ended_and_rests():
    """A piece has its longest time; meanwhile others are served, also when all turns were taken by such."""
    work = Work(names(10), slow=["000", "001", "002"])
    async with running(Runner(work.job(longest_s=0.05, at_once=2))):
        await until(lambda: len(set(work.done)) == 7)
    assert work.most_at_once == 2


async def test_a_look_that_fails_is_taken_again():
    """While the database is away nothing is due; afterwards everything is."""
    work = Work(names(3))
    due, failures = work.due, [Unavailable("away"), ValueError("a defect")]

    async def sometimes(after, limit):
        if failures:
            raise failures.pop()
        return await due(after, limit)

    runner = Runner(Job("tested", sometimes, work.piece, every_s=0.001))
    for _ in range(2):
        with pytest.raises((Unavailable, ValueError)):
            await runner.look()
    await runner.look()
    assert not await runner.finish()
    assert work.done == names(3)


async def test_who_has_no_more_rests():
    """What is to be done now and then is done once for each, however often somebody looks."""
    work = Work(names(5))
    runner = Runner(work.job())
    for _ in range(3):
        await runner.look()
        assert not await runner.finish()
    assert work.done == names(5)


async def test_work_of_the_process_has_its_turn():
    """What belongs to no organisation is done with each look."""
    work = Work([])
    runner = Runner(Job("tested", jobs.the_process, lambda _: work.piece(("all",)), every_s=1))
    await runner.look()
    await runner.finish()
    assert work.done == ["all"]


def test_waits_grow_and_end_with_a_success():
    """Each failure waits longer, up to a bound; what took long waits longer still; a success ends it."""
    now = [0.0]
    rests = Rests(lambda: now[0])
    waits = [rests.failed(("a",))[1] for _ in range(12)]
    assert 1.5 <= waits[0] <= 2
    assert all(LONGEST_WAIT_S * 0.75 <= wait <= LONGEST_WAIT_S for wait in waits[-2:])
    assert rests.failed(("b",), took_s=20)[1] >= 60
    assert (rests.rests(("a",)), rests.rests(("c",))) == (True, False)
    now[0] = LONGEST_WAIT_S
    assert not rests.rests(("a",))
    assert rests.failing() == 2
    assert rests.succeeded(("a",))
    assert not rests.succeeded(("a",))
    assert rests.failed(("a",))[0] == 1
