"""Server processes: started with settings of a test's own, stopped, and their logs read."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from support import answers

_QUIET = {"ROCKET_LOG_LEVEL": "warning", "ROCKET_LOG_FORMAT": "json"}
_TIME_TO_STOP_S = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process and a client for it, which threads may share."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client

    def stop(self) -> str:
        """Let the process end well, and answer what it logged."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_TIME_TO_STOP_S)
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.log.read_text()


def start(
    database_url: str,
    log: Path,
    settings: dict[str, str],
    descriptors: tuple[int, int] | None = None,
    locks: Path | None = None,
) -> Server:
    """Start a server on a free port, as `rocket serve` starts its own, and wait until it answers.

    It ends with the process of the tests, whatever becomes of that: its standard input is a pipe from here.
    `descriptors` are its soft and hard limit of open files; `locks` is where it writes what it locks.
    """
    module = "rocket_server.processes.serving"
    if locks is not None:
        tests = str(Path(__file__).parents[1])
        module, settings = "support.watched_serving", settings | {"ROCKET_TEST_LOCKS": str(locks)}
        there = settings.get("PYTHONPATH") or os.environ.get("PYTHONPATH")
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, (tests, there)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROCKET_")}

    def limit() -> None:
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)

    ready, tell_ready = os.pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, log.open("wb") as output:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                str(listening.fileno()),
                str(tell_ready),
            ],
            env=environment | _QUIET | settings,
            pass_fds=[listening.fileno(), tell_ready],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=limit if descriptors else None,
        )
    os.close(tell_ready)
    assert process.stdin is not None
    process.stdin.write(f"{database_url}\n".encode())
    process.stdin.flush()
    with open(ready, "rb") as answer:
        assert answer.read(1), f"the server did not start:\n{log.read_text()}"
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=64)
    hooks = {"response": [answers.check]}
    client = httpx.Client(base_url=url, timeout=60, limits=limits, trust_env=False, event_hooks=hooks)
    return Server(url, process, log, client)
