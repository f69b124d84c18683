"""The turnstile: few pass in each turn of the loop, in their order."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from rocket_server.http.edge.turnstile import Turnstile


async def test_few_pass_in_each_turn() -> None:
    """Of a crowd, no more than so many pass between two turns of somebody else."""
    turnstile = Turnstile()
    passed: list[int] = []

    async def one(number: int) -> None:
        await turnstile.enter()
        passed.append(number)

    crowd = [asyncio.create_task(one(number)) for number in range(30)]
    seen = [0]
    while len(passed) < 30:
        await asyncio.sleep(0)
        seen.append(len(passed))
    await asyncio.gather(*crowd)
    assert passed == list(range(30))
    assert max(after - before for before, after in pairwise(seen)) <= 3


async def test_who_was_cancelled_holds_no_place() -> None:
    """A client that goes away while it waits leaves its place to the next."""
    turnstile = Turnstile()
    waiting = [asyncio.create_task(turnstile.enter()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.wait_for(turnstile.enter(), 5)
