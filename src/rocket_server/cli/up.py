"""`rocket up`: database, migrations, first organisation, server and worker, in one process tree."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import load_settings
from rocket_server.cli.listening import listen
from rocket_server.processes.faults import Failure
from rocket_server.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from rocket_server.config.settings import Settings
    from rocket_server.db.embedded import EmbeddedServer


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else ROCKET_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; else ROCKET_PORT.")] = None,
) -> None:
    """Starts everything: database, migrations, first organisation (once), server and delivery worker."""
    settings = load_settings(host=host, port=port)
    listening = listen(settings.host, settings.port)
    database: EmbeddedServer | None = None
    with _Preparation(settings) as preparation:
        try:
            with Supervisor(settings, listening, delivery=True) as supervisor:
                if settings.database_url is None:
                    from rocket_server.db import embedded

                    database = embedded.start(settings.data_dir)
                url = settings.database_url or (database.url if database else "")
                if supervisor.stopping:
                    return
                found = preparation.finish(url, settings.owner_database_url or url)
                supervisor.start_serving(url)
                supervisor.wait_until_ready()
                if supervisor.stopping:
                    return
                _greet(settings, found)
                supervisor.watch(database)
        finally:
            if database is not None:
                database.stop()


class _Preparation:
    """The short-lived process that migrates; it loads its libraries while the database starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        is_fresh = settings.database_url is None and not (settings.data_dir / "postgres").exists()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-P",
                "-m",
                "rocket_server.processes.first_start",
                *(["--fresh"] if is_fresh else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ,
            start_new_session=True,
        )

    def __enter__(self) -> _Preparation:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate()

    def finish(self, url: str, owner_url: str) -> dict[str, Any]:
        """What the process answers. Raises Failure where the database can't be prepared; it has said why."""
        order = {
            "database_url": url,
            "owner_database_url": owner_url,
            "public_url": self._settings.public_url,
        }
        answer, _ = self._process.communicate(json.dumps(order).encode() + b"\n")
        if self._process.returncode != 0:
            raise Failure("nothing was started")
        found: dict[str, Any] = json.loads(answer)
        return found


def _greet(settings: Settings, found: dict[str, Any]) -> None:
    typer.echo(f"Rocket Learning Rewards runs on {settings.public_url} (Ctrl-C stops it)\n")
    typer.echo(f"Console      {settings.public_url}/console")
    if found.get("link"):
        typer.echo(f"  sign in    {settings.public_url}/console/link/{found['link']}  (once)")
    made = found.get("made")
    if made is None:
        prefix = found["key_prefix"]
        typer.echo(f"API key      {prefix if prefix else 'none is active'}")
        another = ("keys", "create", "--organisation", found["organisation"])
        typer.echo(f"             make another with: {shlex.join((_own_name(), *another))}")
        return
    moodle = made["sources"]["moodle"]
    typer.echo(f"API key      {made['api_key']}")
    typer.echo(f"Moodle hook  {moodle['url']}")
    typer.echo(f"  its token  {moodle['token']}")
    typer.echo("Keep the key and the token: they are not shown again.\n")
    typer.echo("Award the first points:\n")
    typer.echo(_first_points(settings.public_url, made["api_key"], datetime.now(UTC)) + "\n")


def _own_name() -> str:
    """How this command can be called again from here: `rocket`, or, as after `make up`, the path to it."""
    called = sys.argv[0]
    return "rocket" if shutil.which("rocket") == called else os.path.relpath(called)


def _first_points(url: str, api_key: str, now: datetime) -> str:
    """A line for a shell that sends an event which the default rules award."""
    event = {
        "event": "course.completed",
        "user_id": "ada",
        "timestamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "properties": {"course_id": "first-steps"},
    }
    return (
        f"curl -sS {url}/v1/events -H 'Authorization: Bearer {api_key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(event)}'"
    )
