"""The commands of docs/how-to/backup-and-restore.md, run against a real server's database."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import pytest

from rocket_server.config.settings import Settings
from rocket_server.db import embedded
from rocket_server.demo.play import play

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "backup-and-restore.md"
BLOCKS = dict(re.findall(r"^```bash (\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
# The old server's worker goes on deriving these from the entries after the dump was made.
DERIVED = {
    "standings", "standing_counts", "standing_progress", "leaderboard_states", "learner_ranks", "rank_states",
}  # fmt: skip
_START_TIMEOUT_S = 60


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(data_dir: Path) -> dict[str, str]:
    """A shell of somebody who has Rocket installed and its settings at their defaults."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROCKET_", "PG"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "ROCKET_DATA_DIR": str(data_dir)}


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """Where the operator stands while typing the page's commands."""
    path = data_dir / "operator"
    path.mkdir()
    return path


@pytest.fixture
def server(data_dir: Path) -> Iterator[str]:
    """The URL of `rocket up` on a data directory of its own, with the demo's morning in it."""
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "rocket"), "up", "--port", str(port)],
        env=environment(data_dir / "old"),
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not answers(url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        play(Settings(data_dir=data_dir / "old"), url=url, today=datetime.now(UTC).date())
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/v1/health", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def shell(folder: Path, old: Path, *names: str) -> str:
    """What the page's blocks of these names print, run by one shell that stops at the first failure."""
    script = "set -euo pipefail\n" + "".join(BLOCKS[name] for name in names)
    script = script.replace("8099", str(free_port()))
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(old), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def contents(data_dir: Path) -> dict[str, tuple[int, str]]:
    """The number of rows and a digest of them, for each table of the embedded database there but derived
    ones."""
    server = embedded.start(data_dir)
    connection = await asyncpg.connect(server.url)
    try:
        found = {}
        tables = {table for (table,) in await connection.fetch(TABLES)}
        assert tables > DERIVED
        for table in sorted(tables - DERIVED):
            rows = sorted(str(row[0]) for row in await connection.fetch(f"SELECT t::text FROM {table} t"))
            found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
        return found
    finally:
        await connection.close()
        server.stop()


def test_a_backup_restores_to_the_same_rows_and_adds_up(data_dir: Path, folder: Path, server: str) -> None:
    """What was dumped from a server at work is restored with the same rows, and adds up."""
    listed = shell(folder, data_dir / "old", "programs", "backup", "list")
    assert "TABLE DATA public entries" in listed
    printed = shell(folder, data_dir / "old", "programs", "place", "prepare", "restore", "verify", "stop")
    assert re.search(r"^adds up: [1-9]\d* entries, [1-9]\d* events", printed, re.M)
    old, new = asyncio.run(contents(data_dir / "old")), asyncio.run(contents(folder / "restored"))
    assert old["events"][0] >= 685
    assert old["entries"][0] > 100
    assert new == old


def test_every_block_is_run() -> None:
    """No command stands on the page that the test above doesn't run."""
    assert list(BLOCKS) == ["programs", "backup", "list", "place", "prepare", "restore", "verify", "stop"]
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)
