"""`rocket work`, and the worker that `rocket up` and `rocket serve` keep beside the servers."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil
import pytest

from rocket_server.db.pool import open_database
from support import outbox
from support.command import PATIENCE_S, Running, eventually, free_port, is_gone, rocket
from support.receiver import Answer, Receiver
from support.work import Work

Start = Callable[..., Running]
T = TypeVar("T")

_PRIVATE = {"ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    listening = Receiver()
    yield listening
    listening.close()


def change(database: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """What `work` answers in a transaction of the server's own role."""

    async def run() -> T:
        opened = await open_database(database, general_size=1, ingest_size=1)
        try:
            async with opened.transaction() as conn:
                return await work(conn)
        finally:
            await opened.close()

    return asyncio.run(run())


def tell(database: str, receiver: Receiver, count: int = 5) -> None:
    """Make an organisation with an endpoint at the receiver, and deliveries for it."""

    async def work(conn: Any) -> None:
        organisation_id = await outbox.make_organisation(conn, f"Organisation of {count}")
        await outbox.make_endpoint(conn, organisation_id, receiver.url(f"/{count}"))
        await outbox.tell(conn, organisation_id, count)

    change(database, work)


def workers(running: Running) -> list[psutil.Process]:
    """Delivery workers below a command."""
    return [one for one in running.tree() if "rocket_server.processes.working" in one.cmdline()]


def a_worker(running: Running, other_than: int = 0) -> psutil.Process:
    """The delivery worker below a command, as soon as there is one."""

    def found() -> list[psutil.Process]:
        try:
            return [one for one in workers(running) if one.pid != other_than]
        except psutil.NoSuchProcess:
            return []

    eventually(lambda: bool(found()), running.output)
    return found()[0]


def test_it_delivers_and_stops_at_a_signal(database: str, receiver: Receiver, tmp_path: Path) -> None:
    """It says when it is ready, sends what waits and what comes later, and ends well, whatever the signal."""
    tell(database, receiver, 5)
    for count, number in ((6, signal.SIGTERM), (7, signal.SIGINT)):
        work = Work({"ROCKET_DATABASE_URL": database, **_PRIVATE}, tmp_path / "work.log")
        try:
            eventually(lambda: len(receiver.ids("/5")) == 5, work.output)
            tell(database, receiver, count)
            eventually(lambda path=f"/{count}", n=count: len(receiver.ids(path)) == n, work.output)  # type: ignore[misc]
        finally:
            assert work.stop(number) == 0
    assert "Traceback" not in work.output()
    assert len(receiver.calls) == 18


def test_a_stop_waits_for_what_is_under_way(database: str, receiver: Receiver, tmp_path: Path) -> None:
    """A delivery that a receiver still thinks about when the signal comes is settled before the end."""
    receiver.answer = lambda call: Answer(after_s=0.7)
    tell(database, receiver, 3)
    work = Work({"ROCKET_DATABASE_URL": database, **_PRIVATE}, tmp_path / "work.log")
    eventually(lambda: len(receiver.calls) == 3, work.output)
    assert work.stop() == 0

    async def statuses(conn: Any) -> list[str]:
        return [row[0] for row in await conn.fetch("SELECT status FROM deliveries")]

    assert change(database, statuses) == ["delivered"] * 3


def test_it_answers_scrapes_where_it_is_asked_to(database: str, receiver: Receiver, tmp_path: Path) -> None:
    """With a port of its own a worker tells how many deliveries came to what."""
    tell(database, receiver, 5)
    port = free_port()
    settings = {"ROCKET_DATABASE_URL": database, "ROCKET_WORKER_METRICS_PORT": str(port), **_PRIVATE}
    work = Work(settings, tmp_path / "work.log")
    try:

        def scraped() -> str:
            return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text

        eventually(lambda: 'rocket_deliveries_total{outcome="delivered"} 5.0' in scraped(), work.output)
        assert "rocket_delivery_seconds_count 5.0" in scraped()
    finally:
        work.close()


def test_it_needs_a_migrated_database(empty_database: str) -> None:
    """On an empty database it says what to run, in one line, and doesn't start."""
    done = rocket({"ROCKET_DATABASE_URL": empty_database}, "work", expect=2)
    assert "rocket migrate" in done.stderr


def test_up_delivers_what_an_event_causes(serving: Start, database: str, receiver: Receiver) -> None:
    """An event that is posted to `rocket up` reaches the endpoint, with no other command."""
    up = serving({"ROCKET_DATABASE_URL": database, **_PRIVATE}, "up")
    up.wait_until_answers()
    eventually(lambda: "curl " in up.output(), up.output)

    async def subscribe(conn: Any) -> None:
        (row,) = await conn.fetch("SELECT organisation_id::text FROM organisations")
        await outbox.make_endpoint(conn, row[0], receiver.url())

    change(database, subscribe)
    key = re.findall(r"rk_live_[0-9a-f]{48}", up.output())[0]
    answer = httpx.post(
        f"{up.url}/v1/events",
        headers={"Authorization": f"Bearer {key}"},
        json={"event": "course.completed", "user_id": "ada", "timestamp": 1767225600},
        trust_env=False,
    )
    eventually(lambda: len(receiver.calls) == 1, up.output)
    body = receiver.calls[0].body
    assert answer.json()["event_id"].encode() in body
    assert b'"points_awarded":50' in body


def test_a_killed_worker_is_started_again(serving: Start, database: str, receiver: Receiver) -> None:
    """The server goes on meanwhile, and the next worker sends what waits."""
    up = serving({"ROCKET_DATABASE_URL": database, **_PRIVATE}, "up")
    up.wait_until_answers()
    server, worker = up.server().pid, a_worker(up)
    worker.kill()
    tell(database, receiver)
    eventually(lambda: len(receiver.calls) == 5, up.output)
    assert a_worker(up, other_than=worker.pid).pid != worker.pid
    assert up.server().pid == server
    assert "the delivery worker process ended with -9; starting it again" in up.output()


def test_a_killed_supervisor_takes_its_worker_along(serving: Start, database: str) -> None:
    """After kill -9 of `rocket up` no worker goes on without anybody to stop it."""
    up = serving({"ROCKET_DATABASE_URL": database}, "up")
    up.wait_until_answers()
    worker = a_worker(up).pid
    up.process.kill()
    up.process.wait(PATIENCE_S)
    eventually(lambda: is_gone(worker), up.output)


def test_a_stop_ends_the_worker_too(serving: Start, database: str) -> None:
    """SIGTERM to `rocket serve` ends server and worker; nothing complains."""
    rocket({"ROCKET_DATABASE_URL": database}, "migrate")
    serve = serving({"ROCKET_DATABASE_URL": database}, "serve")
    serve.wait_until_answers()
    pids = [a_worker(serve).pid, serve.server().pid]
    assert serve.terminate() == 0
    assert all(map(is_gone, pids))
    assert "Traceback" not in serve.output()


@pytest.mark.parametrize("servers", ["1", "2"])
def test_without_delivery_there_is_no_worker(serving: Start, database: str, servers: str) -> None:
    """`rocket serve --no-delivery` answers requests and sends nothing, however many servers it has."""
    rocket({"ROCKET_DATABASE_URL": database}, "migrate")
    serve = serving({"ROCKET_DATABASE_URL": database}, "serve", "--no-delivery", "--workers", servers)
    eventually(lambda: "Rocket serves on" in serve.output(), serve.output)
    serve.wait_until_answers()
    assert workers(serve) == []
