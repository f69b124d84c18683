"""Pages of lists whose rows may be large: bounded in rows and in bytes, read in pieces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

R = TypeVar("R")

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024


async def bounded(
    fetch: Callable[[R | None, int], Awaitable[Sequence[R]]],
    size_of: Callable[[R], int],
    limit: int,
    *,
    first: int = 50,
) -> tuple[list[R], bool]:
    """Rows in their order, and whether more may follow: `limit` of them, or those that take MAX_PAGE_BYTES.

    `fetch` answers that many rows behind a row, or the first ones; `size_of` about how many bytes a row has
    as JSON. Nothing is known of the sizes of the `first` rows: they must be bearable at their largest.
    """
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
        piece = max(1, (MAX_PAGE_BYTES - size) * len(found) // size)
