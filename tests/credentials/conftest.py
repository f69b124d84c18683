"""The independent verifier: npm packages of exact versions, installed once into an ignored folder."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
_FILES = ("package.json", "verify.mjs")

Verify = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def verifier() -> Path:
    """The folder of the verifier, with its packages. They are installed again when their list changes."""
    folder = _HERE / ".installed"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest's workers start at the same moment
        mark = folder / "node_modules" / ".done"
        wanted = (_HERE / "package.json").read_text()
        for name in _FILES:
            shutil.copyfile(_HERE / name, folder / name)
        if not mark.exists() or mark.read_text() != wanted:
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            run(command, folder, timeout_s=300)
            mark.write_text(wanted)
    return folder


@pytest.fixture
def verify(verifier: Path) -> Verify:
    """What the independent implementation says of a credential, given documents by address."""

    def ask(credential: dict[str, Any], **documents: Any) -> dict[str, Any]:
        asked = json.dumps({"credential": credential, "documents": documents})
        return dict(json.loads(run(["node", "verify.mjs"], verifier, asked)))

    return ask


def run(command: list[str], folder: Path, sent: str | None = None, *, timeout_s: int = 60) -> str:
    """What a program that ends well says."""
    done = subprocess.run(
        command, input=sent, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout_s
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
