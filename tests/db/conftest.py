"""The server's connections to a database of a test's own, and the look at ranks that a worker takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import Database, open_database
from rocket_server.leaderboards import refresh
from rocket_server.people import promotion
from rocket_server.verify.proof import Difference, verify
from support.fixtures import Verify

HALF_A_MINUTE = timedelta(seconds=31)


@pytest.fixture
async def db(database: str) -> AsyncIterator[Database]:
    """A new database as the server's own role sees it, for tests that commit."""
    opened = await open_database(database, general_size=4, ingest_size=6)
    yield opened
    await opened.close()


@pytest.fixture
def owner_of(database: str) -> Callable[..., Awaitable[None]]:
    """Executes a statement as the owner of the tables, for what no request can do."""

    async def execute(statement: str, *arguments: object) -> None:
        connection = await asyncpg.connect(database)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    return execute


@pytest.fixture
def look(portal, store):
    """Lets standings and then ranks look at all that is due, as if it were later; whether an organisation had
    ranks to look at."""

    def look(organisation, later=HALF_A_MINUTE):
        async def work():
            now = datetime.now(UTC) + later
            found = set()
            for moment in (datetime.now(UTC), now):  # a first look begins at its own time
                async with store.connection() as conn:
                    behind = await refresh.due(conn, moment, None, 10_000)
                for (one,) in behind:
                    while (await store.run(partial(refresh.refresh, organisation_id=one, now=moment))).more:
                        pass
            while True:
                async with store.connection() as conn:
                    # Other tests' organisations are among them.
                    due = {found for (found,) in await promotion.due(conn, now, None, 10_000)}
                if not due - found:
                    return organisation.organisation_id in found
                for organisation_id in due - found:
                    more = True
                    while more:
                        async with store.transaction() as conn:
                            more = await promotion.promote(conn, organisation_id, now)
                found |= due

        return portal.call(work)

    return look


@pytest.fixture
def verified(portal: BlockingPortal, store: Database) -> Verify:
    """What is found in an organisation, or in all."""

    def find(organisation_id: str | None) -> list[Difference]:
        async def work() -> list[Difference]:
            async with store.transaction() as conn:
                return await verify(conn, organisation_id)

        return portal.call(work)

    return find
