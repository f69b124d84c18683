"""A worker in a process of its own, on the database that the servers of the tests use."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from support.command import ROCKET, environment, eventually

_SETTINGS = {"ROCKET_ENV": "test", "ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1", "ROCKET_LOG_FORMAT": "json"}


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker that delivers."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text()

    def resident_bytes(self) -> int:
        """The memory that it holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextlib.contextmanager
def working(
    database_url: str, log: Path, settings: Mapping[str, str] | None = None
) -> Iterator[RunningWorker]:
    """`rocket work`, stopped by SIGTERM; it must end well and must not have met a defect."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(ROCKET), "work"],
            env=environment({**_SETTINGS, **(settings or {}), "ROCKET_DATABASE_URL": database_url}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    worker = RunningWorker(process, log)
    try:
        eventually(lambda: process.poll() is not None or "Rocket delivers" in worker.output(), worker.output)
        assert process.poll() is None, worker.output()
        yield worker
        process.terminate()
        assert process.wait(60) == 0, worker.output()
    finally:
        process.kill()
        process.wait(30)
    assert "Traceback" not in worker.output(), worker.output()
