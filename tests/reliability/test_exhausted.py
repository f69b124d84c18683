"""The database has no connection, no lock or no disk space to give."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from support.disk import MountedDisk, RefusingTable, small_disk
from support.insistent import BATCH, Answers, Clients
from support.installation import Installation, wait_until

pytestmark = pytest.mark.reliability

_SHORT = {"ROCKET_POOL_SIZE": "2", "ROCKET_INGEST_CONNECTIONS": "1", "ROCKET_DATABASE_TIMEOUT": "1"}


@pytest.fixture
def disk() -> Iterator[MountedDisk | RefusingTable]:
    """A disk that can be filled; name it before the installation on it, which must end first."""
    with small_disk() as made:
        yield made


def test_connections_stuck_behind_a_lock(
    install: Callable[..., Installation], check_nothing_lost: Callable[[Installation, Answers], None]
) -> None:
    """With every connection stuck behind a lock the server answers 503; once it is released, 200."""
    installation = install(**_SHORT)
    clients = Clients(installation.port, installation.api_key, clients=12)
    clients.start()
    wait_until(lambda: len(clients.answers.acknowledged) > 200, 60, "load")
    with _session(installation.database_url, "BEGIN", "LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"):
        wait_until(lambda: clients.answers.statuses[503] >= 12, 60, "refusals")
    _check_recovery(installation, clients, check_nothing_lost)


def test_no_connection_left(
    install: Callable[..., Installation], check_nothing_lost: Callable[[Installation, Answers], None]
) -> None:
    """When PostgreSQL has no connection to give the server answers 503; once there is one, 200."""
    installation = install(**_SHORT)
    clients = Clients(installation.port, installation.api_key, clients=12)
    clients.start()
    wait_until(lambda: len(clients.answers.acknowledged) > 200, 60, "load")
    with _all_connections(installation.database_url):
        wait_until(lambda: clients.answers.statuses[503] >= 12, 60, "refusals")
    _check_recovery(installation, clients, check_nothing_lost)


def test_full_disk(
    disk: MountedDisk | RefusingTable,
    install: Callable[..., Installation],
    check_nothing_lost: Callable[[Installation, Answers], None],
) -> None:
    """On a full disk the server answers 503 and stores no part of a batch; with room again, 200."""
    installation = install(disk.folder)
    server = installation.server_pid
    clients = Clients(installation.port, installation.api_key)
    clients.start()
    wait_until(lambda: len(clients.answers.acknowledged) > 200, 60, "load")

    disk.fill(installation)
    wait_until(lambda: clients.answers.statuses[503] >= 12, 120, "refusals")
    clients.abandon(timeout_s=60)
    assert clients.answers.abandoned, "no batch met the full disk"
    disk.clear(installation)
    wait_until(installation.is_healthy, 60, "the server to be healthy")

    acknowledged = clients.answers.acknowledged.keys()
    rows = installation.fetch(
        "SELECT properties ->> 'parcel' AS parcel, source_event_id AS id FROM events WHERE source <> 'rocket'"
    )
    assert acknowledged <= {row["id"] for row in rows}
    sizes = Counter(row["parcel"] for row in rows)
    assert set(sizes.values()) <= {1, BATCH}, "a batch is stored in part"
    assert installation.verify() == []

    clients.send_again()
    assert installation.server_pid == server
    _check_answers(clients.answers)
    check_nothing_lost(installation, clients.answers)


def _check_recovery(
    installation: Installation,
    clients: Clients,
    check_nothing_lost: Callable[[Installation, Answers], None],
) -> None:
    acknowledged = len(clients.answers.acknowledged)
    wait_until(lambda: len(clients.answers.acknowledged) > acknowledged + 200, 60, "recovery")
    clients.finish(timeout_s=60)
    assert installation.is_healthy()
    _check_answers(clients.answers)
    check_nothing_lost(installation, clients.answers)


def _check_answers(answers: Answers) -> None:
    assert answers.statuses.keys() <= {200, 503}
    assert not answers.broken
    for _, headers, body in answers.refusals:
        assert int(headers["Retry-After"]) >= 1
        assert body["error"] == "unavailable"


@contextmanager
def _session(url: str, *statements: str) -> Iterator[None]:
    """A session of the owner's that has executed some statements, until the block ends."""
    ready, leave = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            ready.set()
            await asyncio.to_thread(leave.wait)
        finally:
            await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    try:
        assert ready.wait(30), "the session did not get ready"
        yield
    finally:
        leave.set()
        thread.join()


@contextmanager
def _all_connections(url: str) -> Iterator[None]:
    """Every connection that PostgreSQL has, the server's included, whose sessions are ended for it."""
    ready, leave = threading.Event(), threading.Event()

    async def hold() -> None:
        held: list[asyncpg.Connection] = []
        try:
            while not leave.is_set():
                try:
                    held.append(await asyncpg.connect(url))
                except asyncpg.TooManyConnectionsError:
                    ready.set()
                    await asyncio.sleep(0.1)
                await held[0].execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rocket'"
                )
        finally:
            for connection in held:
                await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    try:
        assert ready.wait(60), "there was always another connection"
        yield
    finally:
        leave.set()
        thread.join()
