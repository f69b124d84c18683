"""Keeps the server's processes, the delivery worker, and the embedded database under them, running until a
signal asks to stop.

The supervisor is small on purpose: it imports nothing of the server. It owns the listening socket, so that
clients wait and aren't refused while a server process is started again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Protocol

from rocket_server.errors import ConfigurationError
from rocket_server.processes.faults import BAD_INPUT, BadInput, Failure

if TYPE_CHECKING:
    from rocket_server.config.settings import Settings

_POLL_S = 0.2
_DATABASE_EVERY_S = 1.0
_READY_WITHIN_S = 60
# A server process that dies more often than this within the window won't get well by itself.
_MAX_RESTARTS = 5
_RESTART_WINDOW_S = 60
_BACKOFF_S = 0.25  # doubled with each restart within the window
# Without a worker requests are still answered, and what is to be delivered waits: it is never given up.
_BACKOFF_MAX_S = 30.0
# Server and worker give what was begun 30 s, and their database connections a few more.
_STOP_WITHIN_S = 45


class Watched(Protocol):
    """A database server that may have to be started again."""

    def ensure_running(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Role:
    """What a process is there for. Where it is `vital`, one that keeps dying ends everything."""

    name: str
    module: str
    vital: bool


_SERVER = _Role("server", "rocket_server.processes.serving", vital=True)
_WORKER = _Role("delivery worker", "rocket_server.processes.working", vital=False)


@dataclass(slots=True)
class _Child:
    """One process and its deaths. `ready` is the reading end of the pipe on which a server says that it
    answers; `start_at` is when a dead one is started again, in seconds of the monotonic clock."""

    role: _Role
    process: subprocess.Popen[bytes]
    ready: int | None
    died_at: deque[float] = field(default_factory=deque)
    start_at: float | None = None


class Supervisor:
    """Server processes that share a listening socket, and a delivery worker beside them. Leaving its block
    stops them all, gracefully."""

    def __init__(
        self, settings: Settings, listening: socket.socket, workers: int = 1, *, delivery: bool
    ) -> None:
        """The servers are started at once, and load their code while the database is made ready. With
        `delivery` a delivery worker follows as soon as they answer."""
        self._listening = listening
        # Options that were laid over the environment have to reach the processes too.
        self._environ = os.environ | {
            "ROCKET_HOST": settings.host,
            "ROCKET_PORT": str(settings.port),
            "ROCKET_PUBLIC_URL": settings.public_url,
        }
        self._data_dir = None if settings.database_url else settings.data_dir
        self._delivery = delivery
        self._database_url: str | None = None
        self._stop = threading.Event()
        self._handlers: dict[int, object] = {}
        self._children = [self._spawn(_SERVER) for _ in range(workers)]

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a closed terminal too
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def stopping(self) -> bool:
        """Whether a signal has asked to stop."""
        return self._stop.is_set()

    def start_serving(self, database_url: str) -> None:
        """Give the processes the database that they wait for."""
        self._database_url = database_url
        for child in self._children:
            self._hand_over(child)

    def wait_until_ready(self) -> None:
        """Return when all processes answer requests, or a signal came. Raises Failure where one can't,
        BadInput where that is due to settings or the schema."""
        deadline = time.monotonic() + _READY_WITHIN_S
        for child in self._children:
            while not self.stopping and not self._is_ready(child):
                status = child.process.poll()
                if status is not None:
                    raise (BadInput if status == BAD_INPUT else Failure)("the server did not start")
                if time.monotonic() > deadline:
                    raise Failure(f"the server does not answer after {_READY_WITHIN_S} s")

    def watch(self, database: Watched | None = None) -> None:
        """Start the worker, and again what dies, until a signal comes. Raises Failure where a server keeps
        dying."""
        if self._delivery and not self.stopping:
            worker = self._spawn(_WORKER)
            self._children.append(worker)
            self._hand_over(worker)
        next_look = time.monotonic()
        while not self._stop.wait(_POLL_S):
            if database is not None and time.monotonic() >= next_look:
                next_look = time.monotonic() + _look_at(database)
            for child in self._children:
                if child.start_at is not None:
                    if time.monotonic() >= child.start_at:
                        self._start_again(child)
                elif child.process.poll() is not None:
                    self._mourn(child)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _spawn(self, role: _Role) -> _Child:
        ready: int | None = None
        given: list[int] = []
        if role is _SERVER:
            ready, says_ready = os.pipe()
            given = [self._listening.fileno(), says_ready]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [
                    sys.executable,
                    "-P",  # a file of the folder we were started in is never taken for a module of ours
                    "-m",
                    role.module,
                    *map(str, given),
                    *([str(self._data_dir)] if self._data_dir else []),
                ],
                stdin=subprocess.PIPE,
                env=self._environ,
                pass_fds=given,
                # Ctrl-C reaches the supervisor alone, which stops things in their order.
                start_new_session=True,
            )
        finally:
            for says_ready in given[1:]:
                os.close(says_ready)
        return _Child(role, process, ready)

    def _hand_over(self, child: _Child) -> None:
        assert child.process.stdin is not None
        assert self._database_url is not None
        with contextlib.suppress(BrokenPipeError):  # it died: that is seen where it is waited for
            child.process.stdin.write(self._database_url.encode() + b"\n")
            child.process.stdin.flush()

    def _is_ready(self, child: _Child) -> bool:
        assert child.ready is not None
        readable, _, _ = select.select([child.ready], [], [], 0.05)
        return bool(readable) and os.read(child.ready, 1) == b"1"

    def _mourn(self, child: _Child) -> None:
        """Note a death, and when the process is to be started again."""
        now = time.monotonic()
        child.died_at.append(now)
        while child.died_at[0] < now - _RESTART_WINDOW_S:
            child.died_at.popleft()
        deaths, name = len(child.died_at), child.role.name
        if child.role.vital and deaths > _MAX_RESTARTS:
            raise Failure(f"the {name} died {deaths} times within {_RESTART_WINDOW_S} s; giving up")
        of = f" of {_MAX_RESTARTS}" if child.role.vital else ""
        _warn(f"the {name} process ended with {child.process.returncode}; starting it again ({deaths}{of})")
        child.start_at = now + min(_BACKOFF_S * 2 ** (deaths - 1), _BACKOFF_MAX_S)

    def _start_again(self, child: _Child) -> None:
        _release(child)
        new = self._spawn(child.role)
        child.process, child.ready, child.start_at = new.process, new.ready, None
        self._hand_over(child)

    def _stop_all(self) -> None:
        self._listening.close()  # nobody new is let in while the processes finish
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for child in self._children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _warn(f"the {child.role.name} process {child.process.pid} did not stop; killing it")
                child.process.kill()
                child.process.wait()
            _release(child)


def keep_running(database: Watched) -> None:
    """Starts the database again whenever it was killed; never returns, so give it a thread of its own."""
    while True:
        time.sleep(_look_at(database))


def _look_at(database: Watched) -> float:
    """Starts the database again if it was killed; seconds until the next look."""
    try:
        if database.ensure_running():
            _warn("the database had stopped and runs again")
    except ConfigurationError as error:
        _warn(f"{error}; trying again")
        return 5 * _DATABASE_EVERY_S
    return _DATABASE_EVERY_S


def _release(child: _Child) -> None:
    if child.ready is not None:
        os.close(child.ready)
    if child.process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.process.stdin.close()


def _warn(message: str) -> None:
    print(f"rocket: {message}", file=sys.stderr, flush=True)
