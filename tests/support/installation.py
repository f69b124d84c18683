"""An installation that a test may hurt: a PostgreSQL cluster of its own, durable, and a server process."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from rocket_server.configuration.new_organisation import create_organisation
from rocket_server.db import embedded, migrate
from rocket_server.db.cluster import open_cluster
from rocket_server.db.pool import prepare_connection
from rocket_server.verify.proof import Difference, verify

T = TypeVar("T")

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30


class Installation:
    """One organisation with the default rules, on a database and a server that can be ended at will."""

    def __init__(self, folder: Path, log: Path, settings: dict[str, str]) -> None:
        """The database lives in `folder`; the server's output is added to `log`."""
        self._folder = folder
        self._log = log
        self._settings = settings
        self._database = embedded.start(folder)
        self._server: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.organisation_id, self.api_key = _run(_prepare(self._database.url))
        self.start_server()

    def start_server(self) -> None:
        """Starts the server on its port, which stays the same, and waits until it is healthy."""
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("serve_until_killed.py")),
                    str(self.port),
                    self._database.url,
                ],
                env={**os.environ, **self._settings},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.is_healthy, _START_TIMEOUT_S, "the server to be healthy", self._check_server)

    def kill_server(self) -> None:
        """Ends the server as `kill -9` does."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        self._server.wait()

    @property
    def server_pid(self) -> int:
        """The server's process id; fails the test where the process has ended."""
        self._check_server()
        assert self._server is not None
        return self._server.pid

    def is_healthy(self) -> bool:
        """Whether /v1/health answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/v1/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop_database(self, mode: str = "fast") -> None:
        """Stops PostgreSQL as an administrator does; sessions are ended, transactions undone. In the mode
        `immediate` it crashes instead."""
        data = self._folder.resolve() / "postgres"
        done = open_cluster(data).run("pg_ctl", "stop", "--wait", f"--mode={mode}", f"--pgdata={data}")
        assert done.returncode == 0, done.stdout

    def start_database(self) -> None:
        """Starts PostgreSQL again where it isn't running."""
        self._database.ensure_running()

    @property
    def database_url(self) -> str:
        """The owner's URL."""
        return self._database.url

    def query(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What `work` makes of a connection as the tables' owner."""
        return _run(_with_connection(self._database.url, work))

    def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows of a query by the tables' owner."""
        return self.query(lambda conn: conn.fetch(sql, *arguments))

    def verify(self) -> list[Difference]:
        """What `rocket ledger verify` finds."""
        return self.query(verify)

    def close(self) -> None:
        """Ends both."""
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._database.stop()

    def _check_server(self) -> None:
        assert self._server is not None
        assert self._server.poll() is None, f"the server ended:\n{self._log.read_text()[-4000:]}"


def wait_until(
    holds: Callable[[], bool], timeout_s: float, what: str, check: Callable[[], None] = lambda: None
) -> None:
    """Waits until something holds; `check` may fail the test meanwhile."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        check()
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)


def _run(work: Awaitable[T]) -> T:
    """Runs a coroutine to its end in a thread, whether or not a loop runs in this one."""

    async def main() -> T:
        return await work

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(lambda: asyncio.run(main())).result()


async def _with_connection(url: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    connection = await asyncpg.connect(url)
    try:
        await prepare_connection(connection)
        return await work(connection)
    finally:
        await connection.close()


async def _prepare(url: str) -> tuple[str, str]:
    await migrate.upgrade(url)

    async def fill(conn: asyncpg.Connection) -> tuple[str, str]:
        async with conn.transaction():
            made = await create_organisation(conn, name="Reliability")
            return made.organisation.organisation_id, made.api_key

    return await _with_connection(url, fill)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
