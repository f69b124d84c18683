"""The real PostgreSQL that tests run against, and databases of their own on it.

One server serves the whole run, shared by all of pytest's workers: the embedded one in a temporary folder,
or the one that ROCKET_TEST_DATABASE_URL names (its user must be able to create databases and roles).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from rocket_server.db import embedded
from rocket_server.db.migrate import VERSIONS, upgrade

pytest_plugins = ["support.fixtures"]

# No test depends on how fast the machine is, or on what else it has to do.
settings.register_profile(
    "any_speed", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_speed")

T = TypeVar("T")

_RUN_FOLDER = "ROCKET_TEST_RUN_FOLDER"  # in the environment, which pytest's workers inherit


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the run's server, made and removed by the process that starts the workers.

    A worker can't remove it: one that has finished may be alone for a moment, while another is about to
    start the server again.
    """
    if not hasattr(config, "workerinput"):
        os.environ[_RUN_FOLDER] = tempfile.mkdtemp(prefix="rocket-test-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the folder after the last worker has ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_RUN_FOLDER), ignore_errors=True)


def run(work: Coroutine[object, object, T]) -> T:
    """Runs a coroutine to its end in a thread, whether or not a loop runs in this one."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def with_database(url: str, name: str) -> str:
    """`url` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def execute(url: str, *statements: str) -> None:
    """Executes each statement by itself, outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data directory. Not under pytest's own, which it closes to PostgreSQL's user at any time."""
    path = Path(tempfile.mkdtemp(prefix="rocket-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The owner's URL of the run's server, with the maintenance database."""
    if external := os.environ.get("ROCKET_TEST_DATABASE_URL"):
        yield external
        return
    server = embedded.start(Path(os.environ[_RUN_FOLDER]))
    # Only here, where nothing outlives the run: tests of durability start a server of their own.
    run(execute(server.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
    yield server.url
    server.stop()  # does so after the last worker that holds it


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database that others are copied from; made once for each state of the schema."""
    digest = sha256()
    for file in sorted(path for path in VERSIONS.glob("*.*") if path.suffix in {".py", ".sql"}):
        digest.update(file.read_bytes())
    name = f"rocket_template_{digest.hexdigest()[:12]}"
    run(_make_template(server_url, name))
    return name


async def _make_template(server_url: str, name: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", name)
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", name):
            return
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")
        await upgrade(with_database(server_url, name))
        # Closed to connections, so that autovacuum can't be in the way of a copy.
        await connection.execute(f"ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
    finally:
        await connection.close()


def _database(server_url: str, template: str) -> Iterator[str]:
    name = f"rocket_test_{uuid.uuid4().hex}"
    run(execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield with_database(server_url, name)
    run(execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    """The URL of a new database with nothing in it."""
    yield from _database(server_url, "template0")


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """The URL of a new database at the current schema, for tests that commit."""
    yield from _database(server_url, template)


@pytest.fixture(scope="session")
def worker_database(server_url: str, template: str) -> Iterator[str]:
    """The URL of the database that one worker's rolled-back tests share."""
    yield from _database(server_url, template)


@pytest.fixture
async def conn(worker_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection inside a transaction that is rolled back after the test: the fastest kind of database."""
    connection = await asyncpg.connect(worker_database)
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()
