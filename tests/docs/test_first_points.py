"""The tutorial and the line that the README tells people to paste, run against a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support import command
from support.command import Running, eventually, rocket

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-points.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEY = re.compile(r"rk_live_[0-9a-f…]+")


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A migrated database of the test's own."""
    return {"ROCKET_DATABASE_URL": database}


@pytest.fixture
def up(settings: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """A server that was started for the first time."""
    running = command.start(settings, tmp_path / "up.log", "up")
    try:
        running.wait_until_answers()
        eventually(lambda: "curl " in running.output(), running.output)
        yield running
    finally:
        running.terminate()


def shell(script: str, variables: dict[str, str]) -> str:
    """What a script prints in a shell that has Rocket on its path."""
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        env={
            **command.environment(variables),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout.strip()


def examples(page: str) -> list[tuple[str, str]]:
    """The commands of a page's `console` blocks, each with the answer that stands below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, answer = part.partition("\n")
            found.append((line, answer.strip()))
    return found


def test_the_tutorial_goes_as_it_says(up: Running, settings: dict[str, str]) -> None:
    """Each command answers what the page shows; `…` stands for whatever is there."""
    key = re.search(r"rk_live_[0-9a-f]{48}", up.output())
    token = re.search(r"its token\s+([0-9a-f]{64})", up.output())
    assert key is not None
    assert token is not None
    variables = settings | {"URL": up.url, "KEY": key[0], "TOKEN": token[1]}
    shown = examples(TUTORIAL)
    assert len(shown) == 8
    for line, answer in shown:
        said = shell(line, variables)
        pattern = ".*".join(map(re.escape, answer.split("…")))
        assert re.fullmatch(pattern, said), (line, said)


def test_the_readme_shows_what_the_first_start_prints(up: Running) -> None:
    """The lines that the README shows are those of a first start, but for keys, times and the port."""
    shown = re.search(r"^```\n(Rocket Learning Rewards runs.*?)^```$", README, re.M | re.S)
    assert shown is not None
    assert _general(up.output(), up.url) == _general(shown[1], "http://127.0.0.1:8000")


def test_the_line_of_the_readme_awards_points_once(up: Running, settings: dict[str, str]) -> None:
    """With the own key, time and address it gives what the README shows; pasted again, nothing."""
    (line,) = [line for line in README.splitlines() if line.startswith("curl -sS") and "/v1/events" in line]
    key = re.search(r"rk_live_[0-9a-f]{48}", up.output())
    assert key is not None
    line = KEY.sub(key[0], line.replace("http://127.0.0.1:8000", up.url))
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), line)
    first, second = (json.loads(shell(line, settings)) for _ in range(2))
    (shown,) = [json.loads(block) for block in re.findall(r"^```json\n(\{\n.*?)^```$", README, re.M | re.S)]
    assert _shape(first) == _shape(shown)
    assert (first["status"], first["points_awarded"]) == ("processed", 50)
    assert (second["status"], second["points_awarded"]) == ("duplicate", 0)
    assert second["event_id"] == first["event_id"]
    balance = rocket(settings, "ledger", "verify").stdout
    assert balance.startswith("adds up: 1 entries, 1 events, 1 learners")


def _general(text: str, url: str) -> list[str]:
    """Lines of a first start with what differs each time taken out; log lines left out."""
    text = KEY.sub("KEY", text.replace(url, "URL"))
    text = re.sub(r"\b[0-9a-f]{64}\b", "TOKEN", re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", text))
    text = re.sub(r"(?<=/link/)[\w-]{43}(?=\s)", "ONCE", text)
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not re.match(r"20\d\d-|TIME|letting ", line)]


def _shape(value: Any) -> Any:
    """The keys of nested objects, and the values that are the same each time."""
    if isinstance(value, dict):
        return {key: _shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shape(one) for one in value]
    return "…" if isinstance(value, str) and re.match(r"[0-9a-f]{8}-|20\d\d-", value) else value
