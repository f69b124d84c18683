"""Connections that are lent and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from rocket_server.db import pool
from rocket_server.db.pool import RETRYABLE_ERRORS, Database, open_database
from rocket_server.errors import Contended, Unavailable
from rocket_server.pace import TakesTooLong
from rocket_server.presence import acting_for


@pytest.fixture
async def lender(database: str) -> AsyncIterator[Database]:
    """Pools of one connection each."""
    opened = await open_database(database, general_size=1, ingest_size=1)
    yield opened
    await opened.close()


async def test_a_connection_lost_while_it_is_given_back_is_no_error(lender: Database) -> None:
    """Work that is committed stays done where the connection is lost a moment later, and the next caller gets
    a new connection."""
    loop = asyncio.get_running_loop()
    async with lender.connection() as conn:
        assert await conn.fetchval("SELECT 1") == 1
        # Giving back takes two turns of the loop; the connection is lost between them.
        loop.call_soon(loop.call_soon, conn.terminate)
    async with lender.connection() as conn:
        assert await conn.fetchval("SELECT 2") == 2


async def test_one_organisation_takes_half_of_a_pool(database: str) -> None:
    """However many requests of one organisation hold and want connections, another one gets one at once; the
    first one's get theirs in their order as they are given back."""
    opened = await open_database(database, general_size=4, ingest_size=2, acquire_timeout_s=30)
    order: list[int] = []
    both, free = asyncio.Event(), asyncio.Event()

    async def greedy(number: int) -> None:
        acting_for.set("greedy")
        async with opened.connection():
            order.append(number)
            if len(order) == 2:
                both.set()
            await free.wait()

    async def modest() -> int:
        acting_for.set("modest")
        async with opened.connection() as conn:
            return int(await conn.fetchval("SELECT 1"))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(greedy(number))
        assert await asyncio.create_task(modest()) == 1
        # The second of its connections may take longer to open than the modest one's.
        await asyncio.wait_for(both.wait(), 30)
        assert await asyncio.create_task(modest()) == 1
        assert order == [0, 1]
        free.set()
    assert order == list(range(20))
    await opened.close()


async def test_who_waits_too_long_is_told_when_to_come_again(database: str) -> None:
    """A request that finds its organisation's share in use for long is refused with 503."""
    opened = await open_database(database, general_size=2, ingest_size=2, acquire_timeout_s=0.05)
    acting_for.set("greedy")
    async with opened.connection():
        with pytest.raises(Unavailable) as refused:
            async with opened.transaction():
                raise AssertionError("there was a second connection")
        assert refused.value.retry_after_s > 0
    async with opened.transaction() as conn:
        assert await conn.fetchval("SELECT 1") == 1
    await opened.close()


async def test_one_connection_is_spare(database: str) -> None:
    """Who asks whether all is well is answered while every other connection is at work."""
    opened = await open_database(database, general_size=1, ingest_size=1)
    async with opened.connection(), opened.ingest_transaction(), opened.spare() as conn:
        assert await conn.fetchval("SELECT 1") == 1
    await opened.close()


async def test_a_statement_that_takes_too_long_is_told_apart(database: str) -> None:
    """Work that ran out of time may be tried again in parts, unlike work without a database."""
    opened = await open_database(database, general_size=1, ingest_size=1, timeout_s=0.1)
    with pytest.raises(TakesTooLong):
        async with opened.transaction() as conn:
            await conn.execute("SELECT pg_sleep(5)")
    await opened.close()


async def test_the_server_ends_what_nobody_waits_for_any_more(database: str) -> None:
    """Each connection has time-outs of PostgreSQL's own, later than those of the driver, and keepalives."""
    opened = await open_database(database, timeout_s=10)
    for lent in (opened.connection(), opened.ingest_transaction(), opened.spare()):
        async with lent as conn:
            shown = [
                await conn.fetchval(f"SELECT setting FROM pg_settings WHERE name = '{name}'")
                for name in ("lock_timeout", "idle_in_transaction_session_timeout")
            ]
            assert shown == ["12000", "300000"]
    await opened.close()


@pytest.mark.parametrize("error", [FileNotFoundError("no such file"), TimeoutError(), ConnectionResetError()])
async def test_errors_of_the_borrowers_own_are_not_the_databases(lender: Database, error: OSError) -> None:
    """A file that is missing or another server that hangs isn't told as a database that is away."""

    async def work(conn: object) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        await lender.run(work)
    assert raised.value is error


async def test_a_lost_connection_is_the_databases(lender: Database) -> None:
    """Whoever borrowed it is told 503, with the cause for the log."""

    async def work(conn: asyncpg.Connection) -> None:
        conn.terminate()
        await conn.fetchval("SELECT 1")

    with pytest.raises(Unavailable) as raised:
        await lender.run(work)
    assert raised.value.__cause__ is not None


async def test_a_time_out_of_the_caller_is_its_own(lender: Database) -> None:
    """Where the caller gives up while a statement runs, it finds its own time-out."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), lender.transaction() as conn:
            await conn.execute("SELECT pg_sleep(30)")


def _failing(times: int, error: type[Exception] = asyncpg.DeadlockDetectedError) -> Any:
    """Work that fails so many times and then answers how often it was begun; and its connections."""
    begun: list[Any] = []

    async def work(conn: asyncpg.Connection) -> int:
        begun.append(conn)
        await conn.execute("INSERT INTO tenants VALUES ($1)", f"try {len(begun)}")
        if len(begun) <= times:
            raise error("as if")
        return len(begun)

    return work, begun


async def _tenants(database: Database) -> list[str]:
    async with database.connection() as conn:
        found = await conn.fetch("SELECT tenant_id FROM tenants WHERE tenant_id LIKE 'try %' ORDER BY 1")
    return [row[0] for row in found]


async def test_work_is_begun_anew_until_it_succeeds(lender: Database) -> None:
    """Five deadlocks in a row are repeated, and only what the sixth try did is there."""
    work, _ = _failing(5)
    assert await lender.run(work) == 6
    assert await _tenants(lender) == ["try 6"]


@pytest.mark.parametrize("error", RETRYABLE_ERRORS)
async def test_after_six_tries_the_caller_is_told_to_come_again(
    lender: Database, error: type[Exception]
) -> None:
    """Work that never succeeds ends with 503 that says so; nothing of it is left, nor a connection lent."""
    work, begun = _failing(1_000, error)
    with pytest.raises(Contended) as raised:
        await lender.run(work)
    assert (raised.value.status, len(begun)) == (503, 6)
    assert await _tenants(lender) == []


async def test_what_no_repeating_mends_is_raised_at_once(lender: Database) -> None:
    """A broken constraint is tried once, and is the caller's as it is."""
    work, begun = _failing(1, asyncpg.UniqueViolationError)
    with pytest.raises(asyncpg.UniqueViolationError):
        await lender.run(work)
    assert (len(begun), await _tenants(lender)) == (1, [])


@pytest.mark.parametrize("ingest", [False, True])
async def test_a_caller_that_gives_up_leaves_nothing(lender: Database, ingest: bool) -> None:
    """Work that is cancelled is undone and not repeated, and its connection serves the next caller."""
    begun = asyncio.Event()
    tries = 0

    async def work(conn: asyncpg.Connection) -> None:
        nonlocal tries
        tries += 1
        await conn.execute("INSERT INTO tenants VALUES ('try 1')")
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(lender.run(work, ingest=ingest))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert tries == 1
    assert await _tenants(lender) == []
    assert await lender.run(lambda conn: conn.fetchval("SELECT 1"), ingest=ingest) == 1


async def test_a_caller_that_gives_up_between_two_tries(
    lender: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is cancelled while it waits for its next try begins no further one."""
    waits = asyncio.Event()

    def wait_s(low: float, high: float) -> float:
        waits.set()
        return 3600

    monkeypatch.setattr(pool.random, "uniform", wait_s)
    work, begun = _failing(1_000)
    running = asyncio.create_task(lender.run(work))
    await waits.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (len(begun), await _tenants(lender)) == (1, [])


async def test_closing_waits_for_work_and_takes_no_more(database: str) -> None:
    """A pool that closes lets a transaction commit, and tells who comes later that the database is away."""
    opened = await open_database(database, general_size=1, ingest_size=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(conn: asyncpg.Connection) -> str:
        begun.set()
        await go_on.wait()
        await conn.execute("INSERT INTO tenants VALUES ('try 1')")
        return "done"

    running = asyncio.create_task(opened.run(work))
    await begun.wait()
    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    go_on.set()
    assert await running == "done"
    await closing
    with pytest.raises(Unavailable):
        await opened.run(lambda conn: conn.fetchval("SELECT 1"))
    again = await open_database(database, general_size=1, ingest_size=1)
    assert await _tenants(again) == ["try 1"]
    await again.close()
