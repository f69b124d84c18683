"""`rocket up` in its own processes: what a first start gives, what survives, and that it leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from rocket_server.db import embedded
from support.command import PATIENCE_S, Running, environment, eventually, free_port, is_gone, rocket

Start = Callable[..., Running]


@pytest.fixture
def settings(data_dir: Path) -> Iterator[dict[str, str]]:
    """An embedded database of the test's own, stopped after the test even if its supervisor was killed."""
    yield {"ROCKET_DATA_DIR": str(data_dir)}
    if (data_dir / "postgres").exists():
        embedded.start(data_dir).stop()


def test_first_start_prints_what_is_needed_and_its_curl_line_awards_points(
    serving: Start, settings: dict[str, str]
) -> None:
    """Console with a link that signs in once, key, hook with token and a line for the shell, which gives 50
    points when it is pasted."""
    up = serving(settings, "up")
    up.wait_until_answers()
    eventually(lambda: "curl " in up.output(), up.output)

    output = up.output()
    assert f"{up.url}/console" in output
    link = re.search(rf"{up.url}/console/link/\S+", output)
    assert link is not None
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        assert "<h1>Overview</h1>" in browser.get(link[0]).text
    assert httpx.get(link[0], trust_env=False).status_code == 404
    assert f"{up.url}/api/public/hook/moodle/event" in output
    line = next(line for line in output.splitlines() if line.startswith("curl "))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["points_awarded"] == 50

    key = re.search(r"rk_live_[0-9a-f]{48}", output)
    assert key is not None
    answer = httpx.get(
        f"{up.url}/v1/users/ada/balance", headers={"Authorization": f"Bearer {key[0]}"}, trust_env=False
    )
    assert answer.json()["points"] == 50

    token = re.search(r"its token\s+([0-9a-f]{64})", output)
    assert token is not None
    event = {
        "id": "7",
        "eventname": r"\core\event\user_loggedin",
        "userid": "8774",
        "timecreated": "1767225600",
    }
    answer = httpx.post(
        f"{up.url}/api/public/hook/moodle/event",
        headers={"Authorization": f"Bearer {token[1]}"},
        json=event,
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["points_awarded"]) == (200, 5)


def test_second_start_keeps_the_data_and_prints_no_secret(serving: Start, settings: dict[str, str]) -> None:
    """The key of the first start goes on working; the second start shows how it begins, and no more."""
    up = serving(settings, "up")
    up.wait_until_answers()
    eventually(lambda: "curl " in up.output(), up.output)
    key = re.findall(r"rk_live_[0-9a-f]{48}", up.output())[0]
    assert up.interrupt() == 0

    again = serving(settings, "up")
    again.wait_until_answers()
    eventually(lambda: "rocket keys create" in again.output(), again.output)
    assert f"{key[:12]}…" in again.output()
    (line,) = [line for line in again.output().splitlines() if "keys create" in line]
    another = shlex.split(line.split(": ")[1])
    assert another[-2:] == ["--organisation", "Main"]
    made = subprocess.run(another, env=environment(settings), capture_output=True, text=True, check=True)
    assert made.stdout.startswith("rk_live_")
    assert key not in again.output()
    answer = httpx.get(
        f"{again.url}/v1/organisation", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.json()["name"] == "Main"


def test_ctrl_c_leaves_no_process(serving: Start, settings: dict[str, str], data_dir: Path) -> None:
    """Supervisor, server and database end, and the terminal sees no traceback."""
    up = serving(settings, "up")
    up.wait_until_answers()
    pids = {process.pid for process in up.tree()} | {_postmaster(data_dir)}

    assert up.interrupt() == 0
    eventually(lambda: all(map(is_gone, pids)), lambda: [pid for pid in pids if not is_gone(pid)])
    assert _that_name(data_dir) == []
    assert "Traceback" not in up.output()


def test_a_stop_during_the_start_leaves_no_process(
    serving: Start, settings: dict[str, str], data_dir: Path
) -> None:
    """Ctrl-C while the database is being made stops everything as well."""
    up = serving(settings, "up")
    eventually(lambda: len(up.tree()) > 2 and any(data_dir.iterdir()), up.output)
    up.interrupt()
    eventually(lambda: all(map(is_gone, up.pids)), lambda: up.pids)
    assert _that_name(data_dir) == []
    assert "Traceback" not in up.output()


def test_sigterm_under_load_loses_nothing_that_was_answered(
    serving: Start, database: str, tmp_path: Path
) -> None:
    """Every event that was answered with 200 is stored, once; the others were refused, not failed."""
    up = serving({"ROCKET_DATABASE_URL": database}, "up")
    up.wait_until_answers()
    eventually(lambda: "curl " in up.output(), up.output)
    key = re.findall(r"rk_live_[0-9a-f]{48}", up.output())[0]
    answered: list[str] = []
    statuses: set[int] = set()
    enough = threading.Event()

    def send(sender: int) -> None:
        with httpx.Client(
            base_url=up.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False
        ) as http:
            for number in range(100_000):
                name = f"{sender}-{number}"
                event = {
                    "event": "course.completed",
                    "event_id": name,
                    "user_id": f"learner-{sender}",
                    "timestamp": 1767225600,
                    "properties": {"course_id": name},
                }
                try:
                    answer = http.post("/v1/events", json=event)
                except httpx.TransportError:
                    return
                statuses.add(answer.status_code)
                if answer.status_code == 200:
                    answered.append(answer.json()["event_id"])
                if len(answered) > 200:
                    enough.set()

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for sender in senders:
        sender.start()
    assert enough.wait(PATIENCE_S)
    assert up.terminate() == 0, up.output()
    for sender in senders:
        sender.join(PATIENCE_S)

    assert statuses <= {200, 503}
    assert len(set(answered)) == len(answered)
    stored = asyncio.run(_stored(database))
    assert set(answered) <= stored
    assert "adds up" in rocket({"ROCKET_DATABASE_URL": database}, "ledger", "verify").stdout


def test_a_killed_database_comes_back(serving: Start, settings: dict[str, str], data_dir: Path) -> None:
    """kill -9 of PostgreSQL is noticed; the server works again without a restart, with what it had."""
    up = serving(settings, "up")
    up.wait_until_answers()
    eventually(lambda: "curl " in up.output(), up.output)
    line = next(line for line in up.output().splitlines() if line.startswith("curl "))
    first = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, text=True).stdout)
    before = up.server().pid
    # A worker that is just starting would start the database too, and nobody would have to say so.
    eventually(lambda: "worker_ready" in up.output(), up.output)

    os.kill(_postmaster(data_dir), signal.SIGKILL)
    eventually(lambda: "the database had stopped and runs again" in up.output(), up.output)
    eventually(up.is_healthy, up.output)
    again = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, text=True).stdout)
    assert (again["status"], again["event_id"]) == ("duplicate", first["event_id"])
    assert up.server().pid == before


def test_a_killed_server_process_is_started_again(serving: Start, database: str) -> None:
    """Who connects in between waits for the answer and isn't refused."""
    up = serving({"ROCKET_DATABASE_URL": database}, "up")
    up.wait_until_answers()
    before = up.server().pid
    os.kill(before, signal.SIGKILL)
    assert httpx.get(f"{up.url}/v1/health", timeout=PATIENCE_S, trust_env=False).status_code == 200
    assert up.server().pid != before


def test_a_killed_supervisor_takes_its_server_along(serving: Start, database: str) -> None:
    """After kill -9 of `rocket up` itself no server goes on without anybody to stop it."""
    up = serving({"ROCKET_DATABASE_URL": database}, "up")
    up.wait_until_answers()
    server = up.server().pid
    up.process.kill()
    up.process.wait(PATIENCE_S)
    eventually(lambda: is_gone(server), up.output)


def test_a_killed_supervisor_takes_its_database_along(
    serving: Start, settings: dict[str, str], data_dir: Path
) -> None:
    """After kill -9 of `rocket up` the last server to end stops PostgreSQL: nothing of it is left."""
    up = serving(settings, "up")
    up.wait_until_answers()
    up.process.kill()
    up.process.wait(PATIENCE_S)
    eventually(lambda: not _that_name(data_dir), lambda: _that_name(data_dir))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_database_comes_back_under_serve(
    serving: Start, settings: dict[str, str], data_dir: Path, workers: str
) -> None:
    """`rocket serve` keeps the embedded PostgreSQL running as `rocket up` does, whatever its workers."""
    rocket(settings, "migrate")
    serve = serving(settings, "serve", "--workers", workers)
    eventually(lambda: "Rocket serves on" in serve.output(), serve.output)  # all workers do
    eventually(lambda: "worker_ready" in serve.output(), serve.output)
    os.kill(_postmaster(data_dir), signal.SIGKILL)
    eventually(lambda: "the database had stopped and runs again" in serve.output(), serve.output)
    eventually(serve.is_healthy, serve.output)
    assert serve.terminate() == 0
    assert not _that_name(data_dir)


def test_files_where_it_is_started_are_never_taken_for_modules(
    serving: Start, settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder may hold a `typing.py` of its own; Rocket starts there as anywhere."""
    (tmp_path / "typing.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    serving(settings, "up").wait_until_answers()


def test_a_taken_port_is_named_before_anything_is_started(data_dir: Path) -> None:
    """The message says which port and what to do; no database is made."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        done = rocket({"ROCKET_DATA_DIR": str(data_dir)}, "up", "--port", str(port), expect=1)
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    assert list(data_dir.iterdir()) == []


def test_several_workers_share_a_port(serving: Start, database: str) -> None:
    """`rocket serve --workers 2` answers from two processes and ends both at SIGTERM."""
    rocket({"ROCKET_DATABASE_URL": database}, "migrate")
    serve = serving({"ROCKET_DATABASE_URL": database}, "serve", "--workers", "2")
    serve.wait_until_answers()
    workers = [one for one in serve.tree() if "rocket_server.processes.serving" in one.cmdline()]
    assert len(workers) == 2
    assert serve.terminate() == 0
    assert all(is_gone(worker.pid) for worker in workers)


def _postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def _that_name(data_dir: Path) -> list[list[str]]:
    """Processes that have the data directory in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if any(str(data_dir) in word for word in command):
            found.append(command)
    return found


async def _stored(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT event_id::text FROM events")}
    finally:
        await connection.close()
