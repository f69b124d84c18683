"""Fixtures of the running server: real sockets, the real PostgreSQL, a fresh organisation for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from rocket_server.db.pool import Database, open_database
from rocket_server.verify.proof import Difference, verify
from support import locks
from support import organisation as organisations
from support import server as servers
from support.console import House
from support.organisation import Organisation
from support.server import Server

MakeOrganisation = Callable[..., Organisation]
StartServer = Callable[..., Server]
Verify = Callable[[str | None], list[Difference]]  # what is found in an organisation, or in all

# Tests of failed authentication would shut the others out: they all come from one address.
_SETTINGS = {"ROCKET_RATE_LIMIT_AUTH_FAILURES": "0", "ROCKET_ENV": "test"}


class Owner:
    """SQL as the owner of the tables, for what no request can do."""

    def __init__(self, portal: BlockingPortal, connection: asyncpg.Connection) -> None:
        self._portal = portal
        self._connection = connection

    def execute(self, statement: str, *arguments: Any) -> None:
        self._portal.call(self._connection.execute, statement, *arguments)

    def fetch(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._portal.call(self._connection.fetch, statement, *arguments)]

    def value(self, statement: str, *arguments: Any) -> Any:
        return self._portal.call(self._connection.fetchval, statement, *arguments)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """A loop in a thread of its own, in which tests that wait call what is asynchronous."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def owner(portal: BlockingPortal, worker_database: str) -> Iterator[Owner]:
    """The owner's connection to the database that the servers use."""
    connection = portal.call(asyncpg.connect, worker_database)
    yield Owner(portal, connection)
    portal.call(connection.close)


@pytest.fixture(scope="session")
def store(portal: BlockingPortal, worker_database: str) -> Iterator[Database]:
    """The servers' database as the server's own role sees it."""
    database = portal.call(open_database, worker_database)
    yield database
    portal.call(database.close)


@pytest.fixture(scope="session")
def start_server(worker_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts a server process with settings of one's own; the same name answers the same process.

    What a server logged, and what its transactions locked in which order, is looked at in the end: no test
    may make it fail where nobody looks.
    """
    folder: Path = tmp_path_factory.mktemp("servers")
    running: dict[str, Server] = {}

    def start(name: str, **settings: str) -> Server:
        if name not in running:
            log, recorded = folder / f"{name}.log", folder / f"{name}.locks"
            running[name] = servers.start(worker_database, log, _SETTINGS | settings, locks=recorded)
        return running[name]

    yield start
    logs = {name: server.stop() for name, server in running.items()}
    for name, log in logs.items():
        assert "Traceback" not in log, f"server {name} logged:\n{log[:20_000]}"
    faults = {fault for name in running for fault in locks.faults_in(folder / f"{name}.locks")}
    assert not faults, "locks are taken in an order that isn't in the list:\n" + "\n".join(sorted(faults))


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Server:
    """The server that most tests talk to."""
    return start_server("first")


@pytest.fixture(scope="session")
def second_server(start_server: StartServer) -> Server:
    """Another process on the same database."""
    return start_server("second")


@pytest.fixture(scope="session")
def make_organisation(portal: BlockingPortal, store: Database, server: Server) -> MakeOrganisation:
    """Makes fresh organisations: `make_organisation(timezone="Europe/Paris")`."""

    def make(**settings: Any) -> Organisation:
        async def work() -> Organisation:
            return await organisations.make(store, server, **settings)

        return portal.call(work)

    return make


@pytest.fixture
def organisation(make_organisation: MakeOrganisation) -> Organisation:
    """A fresh organisation with the default rules, an admin key and a Moodle source with staff 2 and 5."""
    return make_organisation()


@pytest.fixture
def adds_up(portal: BlockingPortal, store: Database) -> Callable[[Organisation], None]:
    """Asserts that an organisation's ledger, derived from scratch, is what is stored."""

    def check(organisation: Organisation) -> None:
        async def work() -> list[str]:
            async with store.transaction() as conn:
                return [str(difference) for difference in await verify(conn, organisation.organisation_id)]

        assert portal.call(work) == []

    return check


@pytest.fixture
def house(organisation: Organisation, store: Database, portal: BlockingPortal, owner: Owner) -> House:
    """A fresh organisation whose people can sign in to the console; all tests come from one address, and what
    others failed at is forgotten."""
    owner.execute("DELETE FROM sign_in_failures")
    return House(organisation, store, portal)
