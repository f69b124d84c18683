"""`rocket work` in a process of its own, to be stopped or killed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.command import PATIENCE_S, ROCKET, environment, eventually

READY = "Rocket delivers"


class Work:
    """A running worker; its output is added to `log`."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self._log = log
        before = self.output().count(READY)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(ROCKET), "work"],
                env=environment(settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(lambda: self._is_ready(before), self.output)

    def output(self) -> str:
        """What was said so far."""
        return self._log.read_text() if self._log.exists() else ""

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.stop()

    def _is_ready(self, before: int) -> bool:
        assert self.process.poll() is None, self.output()
        return self.output().count(READY) > before
