"""The demo against the application under uvicorn, on a fresh database."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import asyncpg
import pytest
import typer
import uvicorn
from typer.testing import CliRunner

from rocket_server.app import create_app
from rocket_server.cli.demo import demo
from rocket_server.config.settings import Settings
from rocket_server.db.migrate import upgrade
from rocket_server.demo.client import Client, DemoError
from rocket_server.demo.play import Played, play
from rocket_server.demo.recording import load

SITE = json.loads((Path(__file__).parents[1] / "fixtures" / "moodle" / "site.json").read_text())
TODAY = date(2026, 2, 3)
_START_TIMEOUT_S = 30


@pytest.fixture
def server(database: str) -> Iterator[str]:
    """The URL of the application, serving `database` on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(Settings(), database)
        running = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not running.started:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()


def run(database: str, url: str, today: date = TODAY) -> Played:
    return play(Settings(database_url=database), url=url, today=today)


def test_a_second_run_leaves_the_lines_of_what_it_replaced(database: str, server: str) -> None:
    """The Demo organisation is made once; the next run takes the first one's key and token out of use."""
    first, _ = run(database, server), run(database, server)

    async def actions() -> list[str]:
        connection = await asyncpg.connect(database)
        try:
            rows = await connection.fetch(
                "SELECT action, actor_name FROM audit WHERE organisation_id = $1 ORDER BY audit_id",
                first.stage.organisation_id,
            )
            assert {row["actor_name"] for row in rows} == {"rocket demo"}
            return [row["action"] for row in rows]
        finally:
            await connection.close()

    assert asyncio.run(actions()) == [
        *("organisation.created", "key.created", "source.created", "source.credential_added"),
        *("source.credential_revoked", "key.revoked", "source.credential_added", "key.created"),
    ]


def naive_points() -> dict[str, dict[str, int]]:
    """Points by learner and default rule, counted from the bodies with nothing of the server's code."""
    done: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    bodies = [json.loads(message.body) for message in load()]
    for body in bodies:
        fields = {name: unquote_plus(value) for name, value in body.items()}
        name = fields["eventname"].rpartition("\\")[2]
        if name == "course_module_viewed":
            rule, learner, thing = "resource_viewed", fields["userid"], (fields["contextinstanceid"],)
        elif name == "user_loggedin":
            rule, learner, thing = "user_logged_in", fields["userid"], ("today",)
        elif name == "post_created":
            rule, learner, thing = "forum_posted", fields["userid"], (fields["objectid"],)
        elif fields["eventname"] == "\\mod_assign\\event\\assessable_submitted":
            rule, learner, thing = "assignment_submitted", fields["userid"], (fields["objectid"],)
        elif fields["eventname"] == "\\mod_quiz\\event\\attempt_submitted":
            rule, learner, thing = "quiz_completed", fields["relateduserid"], (fields["objectid"],)
        elif name == "course_completed":
            rule, learner, thing = "course_completed", fields["relateduserid"], (fields["courseid"],)
        elif name == "course_module_completion_updated":
            rule, learner, thing = "lesson_completed", fields["relateduserid"], (fields["contextinstanceid"],)
            if fields["other_completionstate"] not in {"1", "2"}:
                done[learner, rule].discard(thing)
                continue
        else:
            continue
        # An administrator who is logged in as a learner earns that learner nothing.
        if SITE["users"][learner]["role"] == "learner" and not fields["realuserid"]:
            done[learner, rule].add(thing)
    worth = {
        "course_completed": 50,
        "lesson_completed": 10,
        "user_logged_in": 5,
        "assignment_submitted": 15,
        "quiz_completed": 20,
        "forum_posted": 5,
        "resource_viewed": 2,
    }
    points: dict[str, dict[str, int]] = defaultdict(dict)
    for (learner, rule), things in done.items():
        counted = min(len(things), 3) if rule == "forum_posted" else len(things)
        points[f"moodle:{learner}"][rule] = counted * worth[rule]
    return points


def test_learners_get_what_the_recording_is_worth(database: str, server: str) -> None:
    """Learners, and only learners, get the points that a naive count of the recording gives them."""
    outcome = run(database, server)
    got = {
        user_id: {earned.rule_id: earned.points for earned in all_earned}
        for user_id, all_earned in outcome.summary.learners.items()
    }
    assert got == naive_points()
    assert outcome.balances == {"moodle:3": 560, "moodle:4": 520, "moodle:7": 77}
    assert outcome.points == sum(outcome.balances.values())
    assert outcome.statuses.total() == len(load())
    assert outcome.summary.names["moodle:4"] == "Seán O'Brien"
    reasons = dict(outcome.summary.nothing)
    assert reasons["done by an administrator who was logged in as a learner"] == 2
    assert reasons["done by a teacher or the administrator, who are listed as staff"] == 15


def test_a_second_run_gives_duplicates_only(database: str, server: str) -> None:
    """The same morning again changes nothing, also with new credentials; those of the first run are gone."""
    first = run(database, server)
    second = run(database, server)
    assert not first.is_repeated
    assert second.is_repeated
    assert second.points == 0
    assert second.balances == first.balances
    assert second.summary == first.summary
    assert second.stage.organisation_id == first.stage.organisation_id
    client = Client(server)
    try:
        with pytest.raises(DemoError, match="401"):
            client.balance(first.stage.key, "moodle:3")
    finally:
        client.close()


def test_the_next_day_counts_by_the_day(database: str, server: str) -> None:
    """A day later, log-ins and forum posts count again; what counts once for ever doesn't."""
    run(database, server)
    later = run(database, server, TODAY + timedelta(days=1))
    assert later.points == 2 * (5 + 15) + 5
    assert later.balances == {"moodle:3": 580, "moodle:4": 540, "moodle:7": 82}


def test_a_server_on_another_database(empty_database: str, database: str, server: str) -> None:
    """A command that works on another database than the server says so."""
    asyncio.run(upgrade(empty_database))
    with pytest.raises(DemoError, match="another database"):
        run(empty_database, server)


def test_no_server(database: str) -> None:
    """Where nothing listens the message says how to start one, and no organisation is made."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DemoError, match="rocket up"):
        run(database, f"http://127.0.0.1:{port}")
    assert asyncio.run(count_organisations(database)) == 0


async def count_organisations(database: str) -> int:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchval("SELECT count(*) FROM organisations")
    finally:
        await connection.close()


def test_the_command_prints_learners_points_and_reasons(
    database: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rocket demo` shows who got what, why others got nothing, and commands that work when pasted."""
    monkeypatch.setenv("ROCKET_DATABASE_URL", database)
    monkeypatch.setenv("ROCKET_PUBLIC_URL", server)
    monkeypatch.setenv("COLUMNS", "100")
    runner, app = CliRunner(), typer.Typer()
    app.command()(demo)
    first = runner.invoke(app, [])
    assert first.exit_code == 0
    for words in ("María", "moodle:3", "Completed a course", "560", "1157 points", "listed as staff"):
        assert words in first.output
    (command, *_) = [line.strip() for line in first.output.splitlines() if line.strip().startswith("curl")]
    answer = subprocess.run(shlex.split(command), capture_output=True, check=True)
    assert json.loads(answer.stdout)["entries"]
    second = runner.invoke(app, ["--url", f"{server}/"])
    assert second.exit_code == 0
    assert "All 685 events are duplicates" in second.output


def test_the_command_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server the command ends with 1 and a sentence, not with a trace."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    app = typer.Typer()
    app.command()(demo)
    answer = CliRunner().invoke(app, ["--url", f"http://127.0.0.1:{port}"])
    assert answer.exit_code == 1
    assert f"No server answers at http://127.0.0.1:{port}" in answer.stderr
