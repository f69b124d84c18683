"""Receivers in other people's frameworks: installed, started in processes of their own, and read."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.command import eventually, free_port

RECEIVERS = Path(__file__).parents[1] / "receivers"
_BUILD = RECEIVERS.parents[1] / "build" / "receivers"
_INSTALLING_S = 300
_NODE = 18


@dataclass(frozen=True, slots=True)
class Program:
    """A running receiver. It logs `handled <event> <id>` for whatever it took."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text()

    def handled(self) -> list[list[str]]:
        """The events it took, as (name, id), in order."""
        return [list(found) for found in re.findall(r"handled (\S+) (\S+)$", self.output(), re.M)]


@contextlib.contextmanager
def running(command: Sequence[str], cwd: Path, path: str, secret: str, log: Path) -> Iterator[Program]:
    """The receiver that `command` starts, once its port is open; ended afterwards."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        program = Program(f"http://127.0.0.1:{port}{path}", process, log)
        eventually(lambda: _is_open(program, port), program.output)
        yield program
    finally:
        process.kill()
        process.wait(30)


def python(*arguments: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *arguments]


def express() -> Path:
    """The folder of the Express receiver with what it needs. Installed once for each lock file.

    The test is skipped where node or npm is missing.
    """
    missing = [program for program in ("node", "npm") if not shutil.which(program)]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)}, so Express can't be tried")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < _NODE:
        pytest.skip(f"node is {version}, and Express needs {_NODE} or newer")
    source = RECEIVERS / "express"
    lock = (source / "package-lock.json").read_bytes()
    folder = _BUILD / f"express-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)  # pytest's workers all come here
        if not (folder / ".installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder / name)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder,
                check=True,
                timeout=_INSTALLING_S,
            )
            (folder / ".installed").touch()
        shutil.copy(source / "receiver.js", folder / "receiver.js")
    return folder


def _is_open(program: Program, port: int) -> bool:
    assert program.process.poll() is None, program.output()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
