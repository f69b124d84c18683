"""Pages that are bounded in rows and in bytes."""

from __future__ import annotations

import asyncio

from rocket_server.db.pages import MAX_PAGE_BYTES, bounded
from rocket_server.presence import acting_for

ROWS = range(1_000)


def reading(asked):
    """Reads ROWS, and notes how many were asked for at once."""

    async def fetch(last, piece):
        asked.append(piece)
        start = 0 if last is None else last + 1
        return ROWS[start : start + piece]

    return fetch


async def test_small_rows_fill_a_page():
    """A page of small rows has as many as were asked for, and says that more follow."""
    found, more = await bounded(reading([]), lambda _: 100, 500)
    assert (found, more) == (list(ROWS[:500]), True)


async def test_large_rows_end_a_page():
    """A page ends with the row that makes it full, and no piece that was read is far beyond it."""
    asked = []
    size = MAX_PAGE_BYTES // 30
    found, more = await bounded(reading(asked), lambda _: size, 500, first=10)
    assert (found, more) == (list(ROWS[:31]), True)
    assert max(asked) <= 21


async def test_large_rows_are_read_in_small_pieces():
    """Rows are decoded without a pause, so that no piece after the first has more than half a mebibyte."""
    asked = []
    size = MAX_PAGE_BYTES // 100
    await bounded(reading(asked), lambda _: size, 500, first=10)
    assert asked[0] == 10
    assert max(asked[1:]) * size <= 512 * 1024


async def test_an_organisation_reads_one_large_page_at_a_time():
    """A second large page of an organisation waits for the first; small ones, and others' pages, don't."""
    begun, free = [], asyncio.Event()

    def held(name):
        async def fetch(last, piece):
            if last is not None:
                begun.append(name)
                await free.wait()
                return []
            return ROWS[:piece]

        return fetch

    async def large(name, whose):
        acting_for.set(whose)
        return await bounded(held(name), lambda _: 100_000, 500, first=10)

    reads = [asyncio.create_task(large(n, w)) for n, w in (("a1", "a"), ("a2", "a"), ("b1", "b"))]
    for _ in range(10):
        await asyncio.sleep(0)
    assert begun == ["a1", "b1"]
    acting_for.set("a")
    assert len((await bounded(reading([]), lambda _: 100, 500))[0]) == 500
    free.set()
    await asyncio.gather(*reads)
    assert begun == ["a1", "b1", "a2"]


async def test_the_last_page_says_so():
    """Where the rows end before the page is full, nothing follows; a row may be larger than a page."""
    assert await bounded(reading([]), lambda _: 100, 2_000) == (list(ROWS), False)

    async def one(last, _):
        return [] if last is not None else ["large"]

    assert await bounded(one, lambda _: 10 * MAX_PAGE_BYTES, 50) == (["large"], True)
