"""P11: how long `rocket up` takes on a fresh data directory, and what it holds in memory when idle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import figures
from benchmarks.figures import Report, repeated
from benchmarks.serve import free_port, wait_until_healthy

COMMAND = Path(sys.executable).parent / "rocket"
_TIMEOUT_S = 60
_IDLE_S = 5
_STOP_TIMEOUT_S = 60


def run() -> dict[str, Any]:
    """The figures of P11."""
    values = figures.repeat(lambda _: start_once())
    return Report(
        "P11",
        "`rocket up` on a fresh data directory to the first 200 of /v1/health; resident memory of its"
        f" processes without PostgreSQL, {_IDLE_S} s later; {figures.REPEATS} starts",
        [
            repeated("start", "s", values["start_s"], target=4, at_least=False),
            repeated("idle memory", "MiB", values["resident_mib"], target=200, at_least=False),
        ],
        figures.medians(values),
    ).as_dict()


def start_once() -> dict[str, float]:
    """Starts it once, waits, and stops it as Ctrl-C does."""
    folder = Path(tempfile.mkdtemp(prefix="rocket-bench-"))
    port = free_port()
    environment = {**os.environ, "ROCKET_DATA_DIR": str(folder / "data"), "ROCKET_PORT": str(port)}
    with (folder / "output").open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(COMMAND), "up"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(port, process, _TIMEOUT_S)
            seconds = time.monotonic() - started
            time.sleep(_IDLE_S)
            resident, processes = _resident(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    shutil.rmtree(folder, ignore_errors=True)
    return {"start_s": seconds, "resident_mib": resident / 2**20, "processes": processes}


def _resident(pid: int) -> tuple[int, int]:
    """Bytes resident in a process and all below it, and how many these are. PostgreSQL is left out, which
    is its own session and may or may not be below."""
    root = psutil.Process(pid)
    family = [
        process
        for process in (root, *root.children(recursive=True))
        if not process.name().startswith("postgres")
    ]
    return sum(process.memory_info().rss for process in family), len(family)
