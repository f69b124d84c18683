"""Work that is done once for all who ask at the same time."""

from __future__ import annotations

import asyncio

import pytest

from rocket_server.http.together import Together


async def test_a_crowd_costs_as_much_as_one():
    """Who asks while the answer is being made gets it; who asks later gets a new one."""
    begun = []

    async def work():
        begun.append(None)
        await asyncio.sleep(0)
        return len(begun)

    together = Together(work)
    assert await asyncio.gather(*(together.answer() for _ in range(100))) == [1] * 100
    assert await together.answer() == 2


async def test_who_goes_away_takes_the_answer_from_nobody():
    """The first to ask may be cancelled; the others are answered all the same."""
    go_on = asyncio.Event()

    async def work():
        await go_on.wait()
        return "done"

    together = Together(work)
    first, second = (asyncio.ensure_future(together.answer()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == "done"


async def test_a_failure_is_told_to_all_and_kept_for_nobody():
    """What the work raises is raised by each that waited for it, and the next one tries anew."""
    tries = []

    async def work():
        tries.append(None)
        if len(tries) == 1:
            raise ValueError("once")
        return "done"

    together = Together(work)
    for found in await asyncio.gather(*(together.answer() for _ in range(3)), return_exceptions=True):
        assert isinstance(found, ValueError)
    assert await together.answer() == "done"
    with pytest.raises(IndexError):
        tries[2]
