"""The server in a process of its own, as benchmarks run it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import yardstick
from benchmarks.attacks.turns import Turns
from rocket_server import logs
from rocket_server.config.settings import Settings
from rocket_server.processes import serving as serving_process

_START_TIMEOUT_S = 30
_STOP_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that it has used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def serving(
    database_url: str, *, descriptors: int | None = None, turns: Path | None = None
) -> Iterator[Server]:
    """A server on a free port of 127.0.0.1, from its first 200 of /v1/health until the block ends. With
    `descriptors` it may open no more files than that, as by `ulimit -n`; with `turns` it notes there how long
    the turns of its loop take."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.serve", str(port), database_url]
    if turns is not None:
        command.append(str(turns))
    if descriptors is not None:
        command = ["prlimit", f"--nofile={descriptors}", *command]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        wait_until_healthy(port, process, _START_TIMEOUT_S)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Returns with the first 200 of /v1/health. Raises RuntimeError where the process ends or is too slow."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v1/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.01)
    raise RuntimeError(f"the server was not healthy within {timeout_s} s")


def main(port: int, database_url: str, turns: str | None = None) -> None:
    """Serves until it is told to stop, as `rocket serve` does with default settings, and the yardstick."""
    settings = Settings.from_environ(os.environ)
    logs.configure("error", settings.log_format)
    yardstick.install()
    with socket.create_server(("127.0.0.1", port), backlog=serving_process.BACKLOG) as listening:
        on_ready = (lambda: None) if turns is None else Turns(Path(turns)).measure
        serving_process.run(settings, database_url, listening, on_ready=on_ready)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
