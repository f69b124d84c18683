"""Work on many things, of which some can't be worked on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rocket_server.db.halves import by_halves
from rocket_server.errors import Contended, Unavailable


class Work:
    """Takes numbers, and fails where one of `bad` is among them; counts how often it was asked."""

    def __init__(self, bad: Sequence[int], error: Exception) -> None:
        self.bad, self.error = set(bad), error
        self.done: list[int] = []
        self.failed: list[int] = []
        self.tries = 0

    async def work(self, items: Sequence[int]) -> None:
        self.tries += 1
        if self.bad.intersection(items):
            raise self.error
        self.done += items

    def fail(self, items: Sequence[int], error: Exception) -> None:
        assert error is self.error
        self.failed += items


@pytest.mark.parametrize("error", [ValueError("x"), Contended("x"), TimeoutError()])
@pytest.mark.parametrize("bad", [[], [0], [999], [511, 512], [3, 500, 501, 998]])
async def test_all_but_the_bad_ones_are_done_in_order(bad: list[int], error: Exception) -> None:
    """Whatever the error, each bad one is told by itself, at the cost of a few tries more."""
    one = Work(bad, error)
    await by_halves(range(1000), one.work, one.fail)
    assert one.failed == bad
    assert one.done == [number for number in range(1000) if number not in bad]
    assert one.tries <= 1 + 20 * len(bad)


async def test_nothing_is_tried_in_parts_while_the_database_is_away() -> None:
    """What met the first part would meet all others: they fail with it, and are told in their order."""
    one = Work([2], Unavailable("away"))
    await by_halves(range(8), one.work, one.fail)
    assert (one.tries, one.done, one.failed) == (1, [], list(range(8)))


async def test_trying_ends() -> None:
    """When the time is over, a part that fails isn't halved any more."""
    one = Work([2], ValueError("x"))
    await by_halves(range(8), one.work, one.fail, budget_s=-1)
    assert (one.tries, one.failed) == (1, list(range(8)))


async def test_nothing_to_do() -> None:
    """Of nothing, nothing is tried."""
    one = Work([], ValueError("x"))
    await by_halves([], one.work, one.fail)
    assert one.tries == 0
