"""The command `rocket` as a person runs it: in a process of its own, with settings of a test's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROCKET = Path(sys.executable).with_name("rocket")
PATIENCE_S = 60


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with no settings but these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ROCKET_")}
    return {**own, **settings}


def rocket(
    settings: Mapping[str, str], *arguments: str, expect: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; it must end with the status `expect`, and never with a traceback."""
    done = subprocess.run(
        [str(ROCKET), *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert expect is None or done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return done


@dataclass(slots=True)
class Running:
    """A command that goes on until it is stopped, with what it prints in a file."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str
    pids: set[int] = field(default_factory=set)  # what ever ran below it, as far as it was seen

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def tree(self) -> list[psutil.Process]:
        """The command's own process and those below it."""
        top = psutil.Process(self.process.pid)
        found = [top, *top.children(recursive=True)]
        self.pids |= {process.pid for process in found}
        return found

    def server(self) -> psutil.Process:
        """The process that answers requests."""
        return next(one for one in self.tree() if "rocket_server.processes.serving" in one.cmdline())

    def wait_until_answers(self) -> None:
        """Return at the first good answer to a question for the server's health."""
        eventually(self.is_healthy, lambda: self.output())
        self.tree()

    def is_healthy(self) -> bool:
        """Whether the server says that all its parts work."""
        assert self.process.poll() is None, self.output()
        try:
            return httpx.get(f"{self.url}/v1/health", timeout=10, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def interrupt(self) -> int:
        """Ctrl-C, as a terminal sends it to the whole foreground group; the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM to the command alone, as a service manager sends it; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


def start(settings: Mapping[str, str], log: Path, *arguments: str) -> Running:
    """Start a serving command on a free port, in a process group of its own."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(ROCKET), *arguments, "--port", str(port)],
            env=environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(process, log, f"http://127.0.0.1:{port}")


def eventually(holds: Callable[[], bool], what: Callable[[], Any]) -> None:
    """Wait until something holds; fail with `what` where it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet has ended too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
