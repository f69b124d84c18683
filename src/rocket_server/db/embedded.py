"""The embedded PostgreSQL: started for the first process that needs it, stopped with the last."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from rocket_server.db.cluster import DATABASE, PORT, SUPERUSER, Cluster, open_cluster, socket_directory
from rocket_server.errors import ConfigurationError

_log = logging.getLogger(__name__)

# Recovery after a crash reads up to max_wal_size of log; on a slow disk that takes minutes.
_START_TIMEOUT_S = 900
# A fast stop writes a last checkpoint. Where that takes longer, an immediate stop loses nothing either:
# the next start recovers from the log.
_STOP_TIMEOUT_S = 120
# After kill -9 of the postmaster its children end within moments, and until then nothing can start.
_CHILDREN_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A running server, as its `postmaster.pid` describes it."""

    pid: int
    socket_directory: Path
    ready: bool


class EmbeddedServer:
    """This process's hold on the embedded server; get one from `start`.

    The hold is a shared file lock, which the system takes back from a process that was killed, so the
    server stops with its last user whatever happened to the others.
    """

    def __init__(self, cluster: Cluster, users: int) -> None:
        self._cluster = cluster
        self._users: int | None = users  # file descriptor of the shared lock
        self.url = _url(cluster)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or None while it isn't running."""
        found = _postmaster(self._cluster.data)
        return found.pid if found else None

    def is_running(self) -> bool:
        """Whether the server runs and takes connections."""
        found = _postmaster(self._cluster.data)
        return found is not None and found.ready

    def ensure_running(self) -> bool:
        """Starts the server again if it was killed; whether that was needed. The URL stays the same."""
        if self._users is None:
            raise RuntimeError("the embedded server was stopped")
        with _alone(self._cluster.data):
            if _postmaster(self._cluster.data):
                return False
            _launch(self._cluster, self._users)
            return True

    def stop(self) -> bool:
        """Gives up the hold; whether that stopped the server, because nobody else holds it. Idempotent."""
        if self._users is None:
            return False
        with _alone(self._cluster.data):
            last = _is_only_user(self._users)
            os.close(self._users)
            self._users = None
            if not last or _postmaster(self._cluster.data) is None:
                return False
            _halt(self._cluster)
            return True


def is_there(data_dir: Path) -> bool:
    """Whether a database was made on `data_dir` before; also where this user may not look."""
    try:
        return (data_dir.expanduser().resolve() / "postgres" / "PG_VERSION").exists()
    except PermissionError:
        return True


def start(data_dir: Path) -> EmbeddedServer:
    """Starts PostgreSQL on `data_dir`/postgres, or joins the one that runs there already.

    It is its own session, so the terminal's Ctrl-C doesn't reach it: stop it after everything that uses it.
    Raises ConfigurationError, with the server's own words, where it can't be started.
    """
    data = data_dir.expanduser().resolve() / "postgres"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        with _alone(data):
            cluster = open_cluster(data)
            users = os.open(data.with_name("postgres.users"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                if _postmaster(data) is None:
                    _launch(cluster, users)
                return EmbeddedServer(cluster, users)
            except BaseException:
                os.close(users)
                raise
    except OSError as error:
        raise ConfigurationError(
            f"the embedded database can't use ROCKET_DATA_DIR={data_dir}: {error}"
        ) from error


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server of `data`."""
    lock = os.open(data.with_name("postgres.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_only_user(users: int) -> bool:
    """Whether no other process holds the server. Call it alone: for a moment the hold is exclusive."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # A failed conversion may have dropped the shared lock.
        fcntl.flock(users, fcntl.LOCK_SH)
        return False
    fcntl.flock(users, fcntl.LOCK_SH)
    return True


def _launch(cluster: Cluster, users: int) -> None:
    _clear_stale_pid(cluster, users)
    startup_log = cluster.data / "startup.log"
    deadline = time.monotonic() + _CHILDREN_TIMEOUT_S
    while True:
        startup_log.unlink(missing_ok=True)
        try:
            done = cluster.run(
                "pg_ctl",
                "start",
                "--wait",
                f"--timeout={_START_TIMEOUT_S}",
                f"--log={startup_log}",
                f"--pgdata={cluster.data}",
            )
        except BaseException:  # Ctrl-C while it recovers: don't leave it behind
            _halt(cluster)
            raise
        if done.returncode == 0:
            return
        said = _tail(startup_log)
        if "pre-existing shared memory block" not in said or time.monotonic() > deadline:
            newest = max(cluster.data.glob("log/*.log"), key=lambda path: path.stat().st_mtime, default=None)
            raise ConfigurationError(
                f"the embedded PostgreSQL in {cluster.data} did not start: {done.stdout.strip()}\n"
                f"{said}{_tail(newest) if newest else ''}"
            )
        time.sleep(0.2)


def _halt(cluster: Cluster) -> None:
    for mode in ("fast", "immediate"):
        done = cluster.run(
            "pg_ctl",
            "stop",
            "--wait",
            f"--mode={mode}",
            f"--timeout={_STOP_TIMEOUT_S}",
            f"--pgdata={cluster.data}",
        )
        if done.returncode == 0 or _postmaster(cluster.data) is None:
            return
    _log.error("the embedded PostgreSQL did not stop: %s", done.stdout.strip())


def _postmaster(data: Path) -> Postmaster | None:
    """The server that runs on `data`, if there is one."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    if str(data) not in " ".join(command):  # another process has got the number since; or a zombie
        return None
    sockets = Path(lines[4]) if len(lines) > 4 else data
    return Postmaster(pid, sockets, ready=len(lines) > 7 and lines[7].strip() == "ready")


def _clear_stale_pid(cluster: Cluster, users: int) -> None:
    """Removes lock files of a killed server whose number is still in use, as happens in containers.

    PostgreSQL would take whoever has that number for a server and refuse to start. It may be the killed
    server itself, dead and not waited for by a container's first process: then its files are removed. It may
    be another process that has got the number since: then they are removed unless somebody else holds the
    server, who may be in another container, whose processes can't be seen from here.
    """
    for file in (cluster.data / "postmaster.pid", socket_directory(cluster) / f".s.PGSQL.{PORT}.lock"):
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            continue
        if psutil.pid_exists(pid) and (_is_dead_server(pid) or _is_only_user(users)):
            _log.warning("removing %s: process %d is not this server", file, pid)
            file.unlink(missing_ok=True)


def _is_dead_server(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.name() == "postgres"
    except psutil.Error:
        return False


def _url(cluster: Cluster) -> str:
    running = _postmaster(cluster.data)
    assert running is not None
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(running.socket_directory))}&port={PORT}"


def _tail(path: Path, size: int = 2000) -> str:
    try:
        return path.read_text(errors="replace")[-size:]
    except FileNotFoundError:
        return ""
