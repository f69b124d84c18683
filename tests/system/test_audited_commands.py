"""No command is forgotten: what changes something leaves its lines in the audit log, of whoever ran it.

The commands come from `rocket` itself. A new one fails here until it has a place in the scenario, or a reason
why it is no act.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import typer

from rocket_server.audit.model import Actor
from rocket_server.cli import app
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import open_database
from rocket_server.processes.first_start import Order, prepare
from rocket_server.usecases import people
from rocket_server.usecases.acting import Parts
from support.command import rocket

OWN_TOKEN = "an-own-token-of-forty-characters-or-more"
OWN_SECRET = "an-own-hmac-secret"
RULE = """
- rule_id: extra
  trigger: {event: course.viewed}
  actions: {award_points: 5}
"""
READS = "it only reads"
NO_ACTS = {
    "up": "the first organisation that it makes is tried below; the rest is a server",
    "serve": "a server: its acts are those of its routes",
    "work": "it delivers and runs jobs",
    "migrate": "it changes the schema, and nobody's settings",
    "config": READS,
    "listen": "it stores nothing",
    "bench": "it works on a database of its own",
    "demo": "its acts are those of making and rotating credentials; see test_demo.py",
    "admins list": READS,
    "keys list": READS,
    "organisation show": READS,
    "sources list": READS,
    "rules list": READS,
    "rules export": READS,
    "rules history": READS,
    "rules batches": READS,
    "ledger verify": READS,
    "moodle activities": READS,
    "moodle workflows": READS,
    "plugins list": READS,
}


def commands(group: Any, *before: str) -> Iterator[str]:
    """The names of all commands below a group."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


class Log:
    """Runs commands, and reads what each left in the audit log."""

    def __init__(self, database: str) -> None:
        self.settings = {"ROCKET_DATABASE_URL": database}
        self.database = database
        self.seen = 0
        self.used: set[str] = set()

    def run(self, *arguments: str) -> tuple[str, list[str]]:
        """What a command printed, and the actions that it left, each by this user and this command."""
        printed = rocket(self.settings, *arguments).stdout
        named = next(
            name
            for name in sorted(commands(typer.main.get_command(app)), key=len, reverse=True)
            if " ".join(arguments).startswith(name)
        )
        self.used.add(named)
        lines = asyncio.run(self.lines())[self.seen :]
        self.seen += len(lines)
        actor = f"command:{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
        assert {(line["actor"], line["actor_name"]) for line in lines} <= {(actor, f"rocket {named}")}
        return printed, sorted(line["action"] for line in lines)

    async def lines(self) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self.database)
        try:
            return [dict(row) for row in await connection.fetch("SELECT * FROM audit ORDER BY audit_id")]
        finally:
            await connection.close()


async def _prepare(database: str, organisation_id: str) -> None:
    """A learner, and an event that was ignored."""
    opened = await open_database(database, general_size=1, ingest_size=1)
    try:
        services, actor = Parts(opened, Configurations()), Actor("system", "tests", "tests")
        await people.create(services, organisation_id, actor, people.NewPerson("anna"))
    finally:
        await opened.close()
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(
            """
            INSERT INTO events (organisation_id, event_id, source, source_kind, event, occurred_at,
                received_at, status, points_awarded, properties, metadata, decisions)
            VALUES ($1, gen_random_uuid(), 'rocket', 'rocket', 'course.viewed', now(), now(), 'ignored', 0,
                '{}', '{}', '[]')
            """,
            organisation_id,
        )
    finally:
        await connection.close()


def test_each_command_leaves_the_lines_of_what_it_did(database: str, tmp_path: Path) -> None:
    """Every command is run that changes something; each line names its user and itself, none a secret, and
    a command that changed nothing leaves none."""
    log = Log(database)
    made, actions = log.run("init", "--organisation", "Physics", "--json")
    assert actions == ["key.created", "organisation.created", "source.created", "source.credential_added"]
    told = json.loads(made)
    secrets = [told["api_key"], told["sources"]["moodle"]["token"], OWN_TOKEN, OWN_SECRET]
    asyncio.run(_prepare(database, told["organisation_id"]))
    log.seen = len(asyncio.run(log.lines()))

    key, actions = log.run("keys", "create", "--name", "ci", "--scope", "read")
    assert actions == ["key.created"]
    secrets.append(key.strip())
    listed = rocket(log.settings, "keys", "list").stdout
    (key_id,) = (line.split()[-1] for line in listed.splitlines() if " ci " in line)
    assert log.run("keys", "revoke", key_id)[1] == ["key.revoked"]

    source = ("--kind", "test", "--token", OWN_TOKEN, "--hmac-secret", OWN_SECRET)
    assert log.run("sources", "create", *source)[1] == [
        *("source.created", "source.credential_added", "source.credential_added")
    ]
    rotated, actions = log.run("sources", "rotate", "test")
    assert actions == ["source.credential_added"]
    secrets.append(rotated.strip())
    assert log.run("sources", "revoke", "test", OWN_TOKEN[:12])[1] == ["source.credential_revoked"]

    password, actions = log.run("admins", "create", "ada@example.org", "--role", "admin", "--name", "Ada")
    assert actions == ["member.created"]
    secrets.append(password.strip())
    link, actions = log.run("admins", "reset", "ada@example.org", "--link")
    assert actions == ["member.link_made"]
    secrets.append(link.strip().rpartition("/")[2])
    password, actions = log.run("admins", "reset", "ADA@example.org")
    assert actions == ["member.password_changed"]
    secrets.append(password.strip())
    assert log.run("admins", "disable", "ada@example.org")[1] == ["member.changed"]
    assert log.run("admins", "disable", "ada@example.org")[1] == []
    assert log.run("admins", "disable", "ada@example.org", "--undo")[1] == ["member.changed"]

    rules = tmp_path / "rules.yaml"
    rules.write_text(RULE)
    assert log.run("rules", "apply", str(rules), "--yes")[1] == ["rule.created"]
    assert log.run("rules", "apply", str(rules), "--yes")[1] == []
    assert log.run("rules", "disable", "extra")[1] == ["rule.changed"]
    assert log.run("rules", "disable", "extra")[1] == []
    assert log.run("rules", "enable", "extra")[1] == ["rule.changed"]
    reset = ("rules", "reset-course", "7", "--at", "2026-01-02T00:00:00+00:00")
    assert log.run(*reset)[1] == ["course.reset"]
    assert log.run(*reset)[1] == []

    rules.write_text(RULE.replace("5", "6"))
    simulate = ("rules", "simulate", str(rules), "--since", "90d")
    assert log.run(*simulate)[1] == []
    printed, actions = log.run(*simulate, "--apply", "--yes")
    assert actions == ["batch.applied", "rule.changed"]
    (batch,) = re.findall(r"batch (\S+)", printed)
    assert log.run("rules", "undo-apply", batch, "--yes")[1] == ["batch.undone"]

    assert log.run("organisation", "set", "weekly_goal=80")[1] == ["organisation.changed"]
    assert log.run("organisation", "set", "weekly_goal=80")[1] == []
    assert log.run("learners", "link", "moodle:9", "anna")[1] == ["user.linked"]
    assert log.run("learners", "link", "moodle:9", "anna")[1] == []
    assert log.run("events", "retry", "--status", "ignored", "--since", "7d")[1] == ["events.retried"]
    assert log.run("events", "retry", "--status", "failed", "--since", "7d")[1] == []

    history = tmp_path / "history.csv"
    history.write_text("event,user_id,timestamp\ncourse.completed,anna,1692614400\n")
    assert log.run("import", "events", str(history))[1] == ["job.started"]
    assert log.run("import", "events", str(history), "--dry-run")[1] == ["job.started"]

    history.write_text("Name,Student_ID\nAnna Berg,anna\n")
    assert log.run("import", "users", str(history))[1] == ["job.started"]

    written = str(asyncio.run(log.lines()))
    assert not [secret for secret in secrets if secret in written]
    assert log.used == set(commands(typer.main.get_command(app))) - NO_ACTS.keys()


def test_the_first_start_leaves_the_lines_of_the_organisation_that_it_makes(empty_database: str) -> None:
    """`rocket up` on an empty database: the organisation, its key and source, and the first administrator are
    in the log, once."""
    log = Log(empty_database)
    order = Order(empty_database, empty_database, "http://127.0.0.1:8000")
    for _ in range(2):
        asyncio.run(prepare(order))
    lines = asyncio.run(log.lines())
    assert [line["action"] for line in lines] == [
        *("organisation.created", "key.created", "source.created", "source.credential_added"),
        "member.created",
    ]
    assert {line["actor_name"] for line in lines} == {"rocket up"}
