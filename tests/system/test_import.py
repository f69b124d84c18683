"""`rocket import events`, as a person runs it, and killed while it does."""

from __future__ import annotations

import asyncio
import csv
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.command import PATIENCE_S, ROCKET, environment, eventually, rocket
from support.work import Work

ROWS = 6_000
KILLS = 4


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A database with one organisation."""
    settings = {"ROCKET_DATABASE_URL": database}
    rocket(settings, "init", "--organisation", "Physics")
    return settings


def value(settings: dict[str, str], query: str) -> Any:
    """What a query answers."""

    async def ask() -> Any:
        connection = await asyncpg.connect(settings["ROCKET_DATABASE_URL"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_file_is_imported_and_its_rejected_rows_written(settings: dict[str, str], tmp_path: Path) -> None:
    """A trial says the same and changes nothing; status 3 says that rows were rejected, 0 that none were."""
    file = tmp_path / "history.csv"
    file.write_text(
        "user_id;event;time;course_id\nanna;course.completed;1692614400;c1\nbert;course.completed;soon;c1\n"
    )
    trial = rocket(settings, "import", "events", str(file), "--dry-run", expect=3).stdout
    assert trial.startswith("2 rows: 1 would be taken, 0 were there before, 1 rejected, 0 with warnings")
    assert value(settings, "SELECT count(*) FROM events") == 0
    done = rocket(settings, "import", "events", str(file), expect=3).stdout
    assert "2 rows: 1 taken" in done
    assert "bad_time (rejected)" in done
    assert "line 3: timestamp must be RFC 3339" in done
    rejected = tmp_path / "history.csv.rejected.csv"
    assert str(rejected) in done
    with rejected.open(newline="") as opened:
        header, row = csv.reader(opened, delimiter=";")
    assert header == ["user_id", "event", "time", "course_id", "reason"]
    assert row[:4] == ["bert", "course.completed", "soon", "c1"]
    rejected.write_text(rejected.read_text().replace("soon", "1692614400"))
    again = json.loads(rocket(settings, "import", "events", str(rejected), "--json").stdout)
    assert (again["rows"]["accepted"], again["troubles"]) == (1, [])
    rocket(settings, "ledger", "verify")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "can't be read"), ("", "is empty"), ("event,user_id\n", "no such column; it has event, user_id")],
)
def test_what_cannot_be_imported_is_said_in_one_line(
    settings: dict[str, str], tmp_path: Path, content: str | None, said: str
) -> None:
    """A file that isn't there, has nothing in it, or lacks a column: status 2."""
    file = tmp_path / "history.csv"
    if content is not None:
        file.write_text(content)
    failed = rocket(settings, "import", "events", str(file), expect=2)
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_an_import_that_is_killed_again_and_again_takes_each_row_once(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Whoever does it is killed at random moments; a worker goes on with it, and in the end each row was
    taken once, and the ledger adds up."""
    file = tmp_path / "history.csv"
    lines = [f"lesson.completed,u{n % 50},{1692614400 + n},c{n % 7},l{n},e{n}" for n in range(ROWS)]
    file.write_text("\n".join(("event,user_id,timestamp,course_id,lesson_id,event_id", *lines)))
    command = subprocess.Popen(
        [str(ROCKET), "import", "events", str(file)],
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    taken = "SELECT coalesce(max((counts ->> 'read')::int), 0) FROM jobs"
    eventually(lambda: command.poll() is not None or value(settings, taken) > 0, lambda: "no row was taken")
    command.kill()
    command.wait(PATIENCE_S)
    free = "UPDATE jobs SET leased_until = NULL WHERE finished_at IS NULL RETURNING 1"
    finished = "SELECT finished_at IS NOT NULL FROM jobs"
    chance = random.Random(7)
    for _ in range(KILLS):
        if value(settings, finished):
            break
        value(settings, free)  # as when the lease of whoever was killed has run out
        worker, before = Work(settings, tmp_path / "work.log"), value(settings, taken)
        least = before + chance.randrange(1, ROWS // 8)

        def has_come_far(least: int = least) -> bool:
            return bool(value(settings, finished)) or value(settings, taken) >= least

        eventually(has_come_far, worker.output)
        worker.kill()
    value(settings, free)
    worker = Work(settings, tmp_path / "work.log")
    eventually(lambda: value(settings, finished), worker.output)
    assert worker.stop() == 0
    counts = json.loads(value(settings, "SELECT counts FROM jobs"))
    assert (counts["read"], counts["accepted"], counts["duplicates"]) == (ROWS, ROWS, 0)
    assert value(settings, "SELECT count(*) FROM events WHERE event = 'lesson.completed'") == ROWS
    points = value(settings, "SELECT sum(points_awarded)::int FROM events")
    assert counts["points_awarded"] == points > 0
    rocket(settings, "ledger", "verify")
    again = json.loads(rocket(settings, "import", "events", str(file), "--json").stdout)
    assert (again["rows"]["duplicates"], again["points_awarded"]) == (ROWS, 0)
