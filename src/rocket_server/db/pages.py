"""Pages of lists whose rows may be large: bounded in rows and in bytes, read in pieces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final, TypeVar

from rocket_server.db.shares import Shares
from rocket_server.pace import Pace

R = TypeVar("R")

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
_PIECE_BYTES: Final = 512 * 1024  # that are read at once: decoding them can't be interrupted
_LARGE_BYTES: Final = 128 * 1024
_WAIT_S: Final = 5.0
_READING_S: Final = 30.0
# Of this process: large pages that are read at a time. An organisation has one of them.
_large = Shares(2)


async def bounded(
    fetch: Callable[[R | None, int], Awaitable[Sequence[R]]],
    size_of: Callable[[R], int],
    limit: int,
    *,
    first: int = 50,
) -> tuple[list[R], bool]:
    """Rows in their order, and whether more may follow: `limit` of them, or those that take MAX_PAGE_BYTES.

    `fetch` answers that many rows behind a row, or the first ones; `size_of` about how many bytes a row has
    as JSON. Nothing is known of the sizes of the `first` rows: they must be bearable at their largest. Raises
    as `Shares.turn` where the organisation reads too many large pages at once.
    """
    async with AsyncExitStack() as stack:
        return await _bounded(fetch, size_of, limit, first, stack)


async def _bounded(
    fetch: Callable[[R | None, int], Awaitable[Sequence[R]]],
    size_of: Callable[[R], int],
    limit: int,
    first: int,
    stack: AsyncExitStack,
) -> tuple[list[R], bool]:
    pace: Pace | None = None
    found: list[R] = []
    size, piece = 0, first
    while True:
        piece = min(piece, limit - len(found))
        rows = await fetch(found[-1] if found else None, piece)
        for row in rows:
            found.append(row)
            size += size_of(row)
            if size >= MAX_PAGE_BYTES:
                return found, True
        if len(rows) < piece or len(found) == limit:
            return found, len(found) == limit
        if pace is not None:
            await pace.rest()
        elif size >= _LARGE_BYTES:
            await stack.enter_async_context(_large.turn(_WAIT_S))
            pace = Pace(_READING_S)
        piece = max(1, min(_PIECE_BYTES, MAX_PAGE_BYTES - size) * len(found) // size)
