"""Commands that run for a while, ended after each test whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from support import command
from support.command import Running


@pytest.fixture
def serving(tmp_path: Path, data_dir: Path) -> Iterator[Callable[..., Running]]:
    """Starts `rocket up` or `rocket serve` with settings: `serving(settings, "up")`.

    The data directory is only named so that it is removed after what may use it has ended.
    """
    started: list[Running] = []

    def start(settings: Mapping[str, str], *arguments: str) -> Running:
        running = command.start(settings, tmp_path / f"output-{len(started)}.log", *arguments)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            below = psutil.Process(running.process.pid).children(recursive=True)
            running.process.terminate()
            try:
                running.process.wait(command.PATIENCE_S)
            except Exception:
                for process in below:
                    process.kill()
                running.process.kill()
                raise
