"""A delivery worker in a process of its own, as a supervisor starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_TIME_TO_STOP_S = 30


@contextmanager
def worker(database_url: str, log: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """Runs a worker on a database for the time of the block. It ends with this process, too: its standard
    input is a pipe from here. What it logged is looked at in the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROCKET_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "rocket_server.processes.working"],
            env=environment | {"ROCKET_LOG_LEVEL": "warning", "ROCKET_LOG_FORMAT": "json"} | dict(settings),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    assert process.stdin is not None
    process.stdin.write(f"{database_url}\n".encode())
    process.stdin.flush()
    try:
        yield
        assert process.poll() is None, f"the worker ended:\n{log.read_text()}"
    finally:
        process.stdin.close()
        try:
            process.wait(_TIME_TO_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()[:20_000]
