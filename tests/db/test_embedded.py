"""The embedded PostgreSQL: shared by processes, durable, and none the worse for kill -9."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import asyncpg
import psutil
import pytest

from rocket_server.db import cluster, embedded
from rocket_server.db.embedded import EmbeddedServer, start
from rocket_server.errors import ConfigurationError

HOLD = """
import sys
from pathlib import Path
from rocket_server.db.embedded import start
server = start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
print(server.stop(), flush=True)
"""


@pytest.fixture
def started(data_dir: Path) -> Iterator[Callable[[], EmbeddedServer]]:
    """Starts the server of `data_dir`, as often as it is called, and stops it after the test."""
    servers: list[EmbeddedServer] = []

    def begin() -> EmbeddedServer:
        servers.append(start(data_dir))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def holder(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that holds the server until its input ends."""
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def told_pid(process: subprocess.Popen[str]) -> int:
    """The postmaster's number as another process saw it."""
    assert process.stdout is not None
    return int(process.stdout.readline())


async def fetch(url: str, query: str) -> object:
    """The first value of the first row."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def ended(pid: int) -> bool:
    """Waits until the process has ended; one that nobody has reaped yet has ended too."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


async def test_it_starts_with_a_database_and_durable_settings(
    started: Callable[[], EmbeddedServer],
) -> None:
    """A first start makes the database; nothing that was acknowledged can be lost by its settings."""
    server = started()
    assert server.is_running()
    assert await fetch(server.url, "SELECT current_database()") == "rocket"
    expected = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "max_connections": "200",
        "jit": "off",
        "max_wal_size": "4GB",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }
    for name, value in expected.items():
        assert await fetch(server.url, f"SELECT current_setting('{name}')") == value, name
    assert await fetch(server.url, "SELECT upper('é') || lower('Ö')") == "Éö"


def test_it_stops_with_its_last_user(data_dir: Path, started: Callable[[], EmbeddedServer]) -> None:
    """A second user joins the running server, and only the last one's stop ends it."""
    first = started()
    pid = first.pid
    assert pid is not None
    second = started()
    other = holder(data_dir)
    assert told_pid(other) == second.pid == pid
    assert first.stop() is False
    assert second.stop() is False
    assert psutil.pid_exists(pid)
    output, _ = other.communicate()
    assert output.strip() == "True"
    assert ended(pid)
    assert second.stop() is False  # again: nothing happens


def test_the_terminals_interrupt_does_not_reach_it(started: Callable[[], EmbeddedServer]) -> None:
    """The server is its own session and process group, so Ctrl-C stops its users first."""
    server = started()
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)
    assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_killed_user_does_not_keep_it_alive(data_dir: Path, started: Callable[[], EmbeddedServer]) -> None:
    """After kill -9 of a process the server runs on; the next user joins it and stops it."""
    other = holder(data_dir)
    pid = told_pid(other)
    other.kill()
    other.communicate()
    assert psutil.pid_exists(pid)
    server = started()
    assert server.pid == pid
    assert server.stop() is True
    assert ended(pid)


async def test_a_killed_server_is_started_again_with_all_its_data(
    started: Callable[[], EmbeddedServer],
) -> None:
    """After kill -9 of PostgreSQL what was committed is there again, under the same URL."""
    server = started()
    assert server.ensure_running() is False
    await fetch(server.url, "CREATE TABLE kept (id int)")
    await fetch(server.url, "INSERT INTO kept SELECT generate_series(1, 1000)")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.to_thread(ended, pid)
    assert not server.is_running()
    assert server.pid is None
    assert server.ensure_running() is True
    assert server.pid != pid
    assert await fetch(server.url, "SELECT count(*) FROM kept") == 1000


def test_a_stale_pid_file_is_no_obstacle(data_dir: Path, started: Callable[[], EmbeddedServer]) -> None:
    """After a restart of the machine another process may have the number of the old server."""
    server = started()
    server.stop()
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data_dir / "postgres" / name).write_text(
            f"{os.getpid()}\n{data_dir}/postgres\n1700000000\n5432\n/tmp\n\n  1 1\nready   \n"
        )
    again = started()
    assert again.is_running()
    assert again.pid != os.getpid()


def test_a_stale_pid_file_is_left_to_another_user(
    data_dir: Path, started: Callable[[], EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process holds the server its pid file isn't touched: it may be in another container."""
    monkeypatch.setattr(embedded, "_CHILDREN_TIMEOUT_S", 0)
    started().stop()
    other = holder(data_dir)
    pid = told_pid(other)
    file = data_dir / "postgres" / "postmaster.pid"
    kept = file.read_text()
    try:
        file.write_text(f"{os.getppid()}\n" + kept.split("\n", 1)[1])
        with pytest.raises(ConfigurationError):
            start(data_dir)
        assert file.exists()
        assert psutil.pid_exists(pid)
    finally:
        file.write_text(kept)
        other.communicate()


def test_a_killed_server_that_nobody_waits_for_is_no_obstacle(
    data_dir: Path, started: Callable[[], EmbeddedServer]
) -> None:
    """In a container the killed server may stay in the process table; others hold it, and it starts again."""
    server = started()
    other = holder(data_dir)
    pid = told_pid(other)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
    found = server._cluster
    account = found.account
    dead = subprocess.Popen(
        [str(found.binaries / "postgres"), "--version"],
        user=account.uid,
        group=account.gid,
        extra_groups=[] if account.uid is not None else None,
    )
    file = data_dir / "postgres" / "postmaster.pid"
    try:
        while psutil.Process(dead.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        file.write_text(f"{dead.pid}\n" + file.read_text().split("\n", 1)[1])
        assert server.ensure_running() is True
    finally:
        dead.wait()
        other.communicate()
    assert server.is_running()


def test_several_processes_may_start_it_at_once(data_dir: Path) -> None:
    """Whoever comes first makes and starts it; everyone gets the same server."""
    others = [holder(data_dir) for _ in range(4)]
    pids = [told_pid(other) for other in others]
    stopped = [other.communicate()[0].strip() for other in others]
    assert len(set(pids)) == 1
    assert sorted(stopped) == ["False", "False", "False", "True"]


def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    """A data directory whose path is too long for a socket works like any other."""
    server = start(data_dir / ("long " + "x" * 60) / ("y%" * 30))
    try:
        assert asyncio.run(fetch(server.url, "SELECT 1")) == 1
        setting = asyncio.run(fetch(server.url, "SELECT current_setting('unix_socket_directories')"))
    finally:
        server.stop()
    path = Path(str(setting).strip('"'))
    assert len(os.fsencode(path / ".s.PGSQL.5432")) <= 107
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.rmdir()


def test_a_socket_folder_of_someone_else_is_refused(data_dir: Path) -> None:
    """Where the short folder's name is taken by something that isn't private, nothing is put into it."""
    deep = data_dir / ("x" * 100)
    account = cluster.Account()
    home = cluster.Cluster(deep, Path("/"), account)
    folder = cluster.socket_directory(home)
    try:
        folder.chmod(0o777)
        with pytest.raises(ConfigurationError, match="not a private folder of ours"):
            cluster.socket_directory(home)
    finally:
        folder.rmdir()


def test_a_half_made_directory_is_made_anew(data_dir: Path, started: Callable[[], EmbeddedServer]) -> None:
    """A process that was killed while it made the database leaves nothing that the next start trips over."""
    draft = data_dir / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    assert started().is_running()
    assert not draft.exists()


def test_a_folder_with_something_else_is_left_alone(data_dir: Path) -> None:
    """A folder that isn't a database is neither used nor emptied."""
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds something else"):
        start(data_dir)
    assert (data_dir / "postgres" / "thesis.txt").read_text() == "mine"


def test_the_environment_of_other_programs_does_not_matter(
    started: Callable[[], EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PGPORT and an unknown locale, meant for other programs, don't change the server."""
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    server = started()
    assert server.is_running()
    assert "port=5432" in server.url


def test_a_server_that_cannot_start_says_why(data_dir: Path, started: Callable[[], EmbeddedServer]) -> None:
    """The error carries PostgreSQL's own words."""
    started().stop()
    with (data_dir / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write("shared_buffers = 'many'\n")
    with pytest.raises(ConfigurationError, match='invalid value for parameter "shared_buffers"'):
        start(data_dir)


async def test_an_operators_own_setting_wins(started: Callable[[], EmbeddedServer]) -> None:
    """What was set by ALTER SYSTEM stays when the server is started again."""
    server = started()
    await fetch(server.url, "ALTER SYSTEM SET max_connections = 50")
    server.stop()
    again = started()
    assert await fetch(again.url, "SELECT current_setting('max_connections')") == "50"


def test_folders_above_are_opened_to_pass_and_not_to_list(data_dir: Path) -> None:
    """As root the database's user may pass through a closed folder, and nobody may list it."""
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    cluster.let_through(closed / "rocket")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701


def test_what_a_strict_umask_closed_is_made_readable(data_dir: Path) -> None:
    """Programs stay programs and files stay files; both can be read by the database's user."""
    program, page = data_dir / "lib" / "postgres", data_dir / "lib" / "page"
    program.parent.mkdir(mode=0o700)
    program.touch(mode=0o700)
    page.touch(mode=0o600)
    cluster.make_readable(program.parent)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (program.parent, program, page)]
    assert modes == [0o705, 0o705, 0o604]


def _start_as(uid: int, data_dir: Path, answers: Connection) -> None:
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    server = start(data_dir)
    assert server.pid is not None
    answers.send(psutil.Process(server.pid).uids().real)
    answers.send(server.stop())


def test_it_runs_as_an_ordinary_user(data_dir: Path) -> None:
    """An ordinary user runs the server under his own account. (As root, this test becomes one.)"""
    uid = os.geteuid() or 65534
    if os.geteuid() == 0:
        start(data_dir / "warm-up").stop()  # lets everyone read the binaries
        mine = data_dir / "mine"
        mine.mkdir()
        os.chown(mine, uid, uid)
        data_dir.chmod(0o711)
        data_dir = mine
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_start_as, args=(uid, data_dir, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == uid
    assert ours.recv() is True
    process.join()
    # Whoever starts it next, it runs as the owner of the data: root can't, and must not take it over.
    server = start(data_dir)
    assert server.pid is not None
    assert psutil.Process(server.pid).uids().real == uid
    assert server.stop() is True
