"""The commands of docs/how-to/change-rules.md, run in a shell against a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import command
from support.command import Running, rocket

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "change-rules.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```bash ([a-z-]+)\n(.*?)^```$", PAGE, re.M | re.S))
SHOWN = dict(re.findall(r"^```diff ([a-z-]+)\n(.*?)^```$", PAGE, re.M | re.S))


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A migrated database with one organisation; its key as `$KEY`."""
    settings = {"ROCKET_DATABASE_URL": database}
    made = json.loads(rocket(settings, "init", "--organisation", "Academy", "--json").stdout)
    return settings | {"KEY": made["api_key"]}


@pytest.fixture
def server(settings: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """A running server."""
    running = command.start(settings, tmp_path / "serve.log", "serve")
    try:
        running.wait_until_answers()
        yield running
    finally:
        running.terminate()


def test_the_page_goes_as_it_says(server: Running, settings: dict[str, str], tmp_path: Path) -> None:
    """Rules are exported, changed, applied, tried, looked up, undone and withdrawn as the page tells."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def shell(script: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{script}"],
            env={**command.environment(settings), "PATH": path, "URL": server.url, "NO_PROXY": "*"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout

    post = (
        """curl -sS "$URL/v1/events" -H "Authorization: Bearer $KEY" -d """
        """'{"event": "forum.posted", "user_id": "ada", "timestamp": "2026-03-04T10:00:00Z"}'"""
    )
    assert json.loads(shell(post))["points_awarded"] == 5
    shell(BLOCKS["export"])
    assert shell(BLOCKS["preview"]).startswith(SHOWN["preview"])
    assert "Done." in shell(BLOCKS["apply"])
    assert json.loads(shell(BLOCKS["draft"]))["status"] == "draft"
    decisions = json.loads(shell(BLOCKS["calculate"]))["decisions"]
    assert [decision["sentence"] for decision in decisions] == [
        re.findall(r"`(This only counts .*?)`", PAGE)[0]
    ]
    assert "good_quiz is on (version 2)" in shell(BLOCKS["activate"])
    assert "constraints.max_per_day" in shell(BLOCKS["history"])
    assert json.loads(shell(BLOCKS["undo"]))["constraints"] == {"max_per_day": 3}
    assert json.loads(shell(BLOCKS["withdraw"]))["withdrawn"] is True
    explained, limits = map(json.loads, shell(BLOCKS["why"]).replace("}{", "}\n{").splitlines())
    assert explained["events"][0]["decisions"][0]["sentence"] == "You earned 5 points for a forum post."
    assert {row["rule_id"] for row in limits["limits"]} >= {"forum_posted"}
    assert set(BLOCKS) == {
        "export", "preview", "apply", "draft", "calculate", "activate", "history", "undo", "withdraw", "why",
    }  # fmt: skip
