"""The commands of docs/how-to/try-a-rule-change.md, run in a shell beside a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support import command
from support.command import rocket

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "try-a-rule-change.md"
BLOCKS = dict(
    re.findall(r"^```(?:bash|yaml) ([a-z.-]+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
)


@pytest.fixture
def shell(database: str, tmp_path: Path):
    """What a script prints, run in a folder of its own by a shell that has Rocket installed."""

    def run(name: str, **variables: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROCKET_", "PG"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{BLOCKS[name]}"],
            env={**kept, "PATH": path, "ROCKET_DATABASE_URL": database, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_tried_given_and_taken_back(database: str, shell, tmp_path: Path) -> None:
    """The page's rules are tried by command and over HTTP, given to the past and taken back again."""
    settings = {"ROCKET_DATABASE_URL": database}
    made = json.loads(rocket(settings, "init", "--organisation", "Academy", "--json").stdout)
    key = made["api_key"]
    (tmp_path / "candidate.yaml").write_text(BLOCKS["candidate.yaml"])
    server = command.start(settings, tmp_path / "server.log", "serve")
    try:
        server.wait_until_answers()
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
        ) as client:

            def points() -> int:
                return int(client.get("/v1/users/anna/balance").json()["points"])

            for number, event in enumerate(("lesson.completed", "lesson.completed", "course.viewed")):
                body = {
                    "event": event,
                    "user_id": "anna",
                    "timestamp": "2026-03-02T10:00:00Z",
                    "properties": {"lesson_id": f"l{number}", "course_id": "c1"},
                }
                assert client.post("/v1/events", json=body).status_code == 200
            assert points() == 20
            printed = shell("simulate")
            assert re.search(r"^lesson_completed +changed +2 +2 +20 +24 +\+4 +2$", printed, re.M), printed
            assert re.search(r"^course_visited +new +0 +1 +0 +1 +\+1 +1$", printed, re.M), printed
            assert re.search(r"^anna +20 +25 +\+5$", printed, re.M), printed
            answer = json.loads(shell("over-http", ROCKET=server.url, KEY=key))
            assert answer["difference"] == 4
            assert points() == 20

            printed = shell("apply")
            assert "gave 3 awards, 5 points: batch " in printed
            assert "adds up" in printed
            assert points() == 25
            assert "gave 0 awards" in shell("apply")
            batch = rocket(settings, "rules", "batches").stdout.splitlines()[-1].split()[0]
            printed = rocket(settings, "rules", "undo-apply", batch, "--yes").stdout
            assert "took back 3 awards, 5 points" in printed
            assert points() == 20
            assert "took back 0 awards" in shell("undo")
    finally:
        server.interrupt()


def test_every_block_is_run() -> None:
    """No command stands on the page that the test above doesn't run."""
    assert set(BLOCKS) == {"candidate.yaml", "simulate", "over-http", "apply", "undo"}
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)
