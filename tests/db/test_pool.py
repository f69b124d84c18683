"""Connections that are lent and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from rocket_server.db.pool import Database, open_database
from rocket_server.db.shares import acting_for
from rocket_server.errors import Unavailable
from rocket_server.pace import TakesTooLong


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
    free = asyncio.Event()

    async def greedy(number: int) -> None:
        acting_for.set("greedy")
        async with opened.connection():
            order.append(number)
            await free.wait()

    async def modest() -> int:
        acting_for.set("modest")
        async with opened.connection() as conn:
            return int(await conn.fetchval("SELECT 1"))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(greedy(number))
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
