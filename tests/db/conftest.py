"""The server's connections to a database of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rocket_server.db.pool import Database, open_database


@pytest.fixture
async def db(database: str) -> AsyncIterator[Database]:
    """A new database as the server's own role sees it, for tests that commit."""
    opened = await open_database(database, general_size=4, ingest_size=6)
    yield opened
    await opened.close()
