"""What a benchmark runs on: an embedded PostgreSQL with default settings, and one organisation."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil

from rocket_server.configuration.new_organisation import create_organisation
from rocket_server.db import embedded, migrate
from rocket_server.db.pool import prepare_connection
from rocket_server.ids import uuid7
from rocket_server.organisations import store
from rocket_server.verify.proof import Difference, verify

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stand:
    """A database with an organisation that has the default rules."""

    url: str
    organisation_id: str
    api_key: str
    moodle_token: str
    postmaster_pid: int

    def query(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What `work` makes of a connection as the tables' owner, outside the server."""
        return asyncio.run(_with_connection(self.url, work))

    def fetch_value(self, sql: str, *arguments: Any) -> Any:
        """The single value of a query."""
        return self.query(lambda conn: conn.fetchval(sql, *arguments))

    def verify(self) -> list[Difference]:
        """What `rocket ledger verify` finds."""
        return self.query(verify)

    def database_cpu_s(self) -> float:
        """Processor seconds of PostgreSQL so far: its processes, and those that have ended."""
        postmaster = psutil.Process(self.postmaster_pid)
        own = postmaster.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in postmaster.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return float(total)


@contextmanager
def stand() -> Iterator[Stand]:
    """A stand in a temporary directory, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rocket-bench-"))
    server = embedded.start(folder)
    try:
        organisation_id, api_key, token = asyncio.run(_prepare(server.url))
        assert server.pid is not None
        yield Stand(server.url, organisation_id, api_key, token, server.pid)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def subscribe_webhook(target: Stand) -> None:
    """Subscribes one endpoint to everything; nothing delivers, so the deliveries can be counted."""

    async def add(conn: asyncpg.Connection) -> None:
        await conn.execute(
            "INSERT INTO endpoints (organisation_id, endpoint_id, kind, url, events)"
            " VALUES ($1, $2, 'webhook', $3, $4)",
            target.organisation_id,
            uuid7(),
            "https://receiver.example.test/rocket",
            ["*"],
        )
        await store.touch(conn, target.organisation_id)

    target.query(add)


async def _with_connection(url: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    connection = await asyncpg.connect(url)
    try:
        await prepare_connection(connection)
        return await work(connection)
    finally:
        await connection.close()


async def _prepare(url: str) -> tuple[str, str, str]:
    await migrate.upgrade(url)

    async def fill(conn: asyncpg.Connection) -> tuple[str, str, str]:
        async with conn.transaction():
            made = await create_organisation(conn, name="Benchmark")
            return made.organisation.organisation_id, made.api_key, made.moodle_token

    return await _with_connection(url, fill)
