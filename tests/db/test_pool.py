"""Connections that are lent and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rocket_server.db.pool import Database, open_database


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
