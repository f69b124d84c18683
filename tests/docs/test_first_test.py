"""The tutorial of the first test, run in one shell against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import command
from support.command import Running, eventually

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "first-test.md").read_text(encoding="utf-8")
MARK = "-- next --"


@pytest.fixture
def up(database: str, tmp_path: Path) -> Iterator[Running]:
    """A server that was started for the first time."""
    running = command.start({"ROCKET_DATABASE_URL": database}, tmp_path / "up.log", "up")
    try:
        running.wait_until_answers()
        eventually(lambda: "curl " in running.output(), running.output)
        yield running
    finally:
        running.terminate()


def examples() -> list[tuple[str, str]]:
    """The page's commands, each with the answer that stands below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, answer = part.partition("\n")
            found.append((line, answer.strip()))
    return found


def test_the_tutorial_goes_as_it_says(up: Running, database: str) -> None:
    """Author, learner and reviewer by `curl`: each command answers what the page shows."""
    key = re.search(r"rk_live_[0-9a-f]{48}", up.output())
    assert key is not None
    shown = examples()
    assert len(shown) > 15
    script = "\n".join(f"{line}\necho\necho '{MARK}'" for line, _ in shown)
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        env={
            **command.environment({"ROCKET_DATABASE_URL": database, "URL": up.url, "KEY": key[0]}),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
    answers = [answer.strip() for answer in done.stdout.split(MARK)]
    for (line, expected), answer in zip(shown, answers, strict=False):
        pattern = ".*".join(map(re.escape, expected.split("…")))
        assert re.fullmatch(pattern, answer, re.S), (line, answer)
