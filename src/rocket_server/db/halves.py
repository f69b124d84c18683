"""Work on many things at once where one of them can't be: it is found by halves, and the others are done."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from rocket_server.db.pool import UNAVAILABLE_ERRORS
from rocket_server.errors import Contended, Unavailable
from rocket_server.pace import TakesTooLong

T = TypeVar("T")

BUDGET_S: Final = 90.0  # thrice what one statement may take


def is_nobodys(error: Exception) -> bool:
    """Whether an error says nothing about what was worked on, as where the database is away: trying parts
    would fail as well."""
    if isinstance(error, TimeoutError | TakesTooLong | Contended):
        return False
    return isinstance(error, (Unavailable, *UNAVAILABLE_ERRORS))


async def by_halves(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[None]],
    fail: Callable[[Sequence[T], Exception], None],
    *,
    for_all: Callable[[Exception], bool] = is_nobodys,
    budget_s: float = BUDGET_S,
) -> None:
    """Work on all of `items` at once; where that fails, on each half, and so on, in their order.

    `work` undoes what it did where it raises. `fail` is told of each item that fails by itself; of all that
    are left where an error is `for_all`; and of a part as a whole once trying has taken `budget_s` seconds.
    One item that fails costs 2 log2(n) tries more; an exception of `fail` ends everything.
    """
    deadline = time.monotonic() + budget_s
    parts = [items] if items else []
    while parts:
        part = parts.pop()
        try:
            await work(part)
        except Exception as error:
            if for_all(error):
                fail([item for left in (part, *reversed(parts)) for item in left], error)
                return
            if len(part) == 1 or time.monotonic() > deadline:
                fail(part, error)
            else:
                half = (len(part) + 1) // 2
                parts += [part[half:], part[:half]]


async def in_savepoints(
    conn: Any,
    items: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[None]],
    skip: Callable[[T, Exception], None],
) -> None:
    """As `by_halves` within one transaction, of which only what an item did that fails by itself is undone.
    `skip` is told of it; any other error is raised."""

    async def guarded(part: Sequence[T]) -> None:
        async with conn.transaction():
            await work(part)

    def fail(part: Sequence[T], error: Exception) -> None:
        if len(part) > 1 or is_nobodys(error):
            raise error
        skip(part[0], error)

    await by_halves(items, guarded, fail)
