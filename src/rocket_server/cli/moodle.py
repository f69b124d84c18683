"""`rocket moodle`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rocket_server.cli.common import load_settings, table
from rocket_server.processes.faults import Failure

app = typer.Typer(help="What Moodle needs to send events, and which events are known.", no_args_is_help=True)


@app.command()
def workflows(
    out: Annotated[
        Path | None, typer.Option(help="Folder for files, one a workflow; made where it isn't there.")
    ] = None,
    script: Annotated[
        Path | None, typer.Option(help="File for one PHP script that imports all and switches them on.")
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Only the events whose rules are active from the start.")
    ] = False,
    token: Annotated[
        str | None, typer.Option(help="The Moodle source's token; files without it say where to paste it.")
    ] = None,
) -> None:
    """Writes workflows for Moodle's Event Trigger plugin, one for each known event: files, or one script.

    Without --default there is one for courses that are reset, too."""
    from rocket_server import catalogue
    from rocket_server.organisations.sources import hook_url
    from rocket_server.sources import workflows as made

    if (out is None) == (script is None):
        raise Failure("name a folder with --out, or a file with --script")
    if script is not None and token is None:
        raise Failure("a script needs the source's token: --token TOKEN")
    settings = load_settings()
    activities = {
        eventname: activity
        for eventname, activity in catalogue.load(settings.moodle_activities).items()
        if activity.default or not default
    }
    url = hook_url(settings.public_url, "moodle")
    try:
        if script is not None:
            _write_secret(script, made.script(url, token or "", activities, resets=not default))
        elif out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for name, content in made.workflows(url, token, activities, resets=not default):
                (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"can't write to {script or out}: {error.strerror}") from error
    typer.echo(f"wrote {len(activities) + (not default)} workflows to {script or out}; they send to {url}")
    if script is not None:
        typer.echo("Run it in Moodle's folder as the web server's user, and remove it: it holds the token.")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that nobody but its owner may read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@app.command()
def activities(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Lists the Moodle events that are known and what they suggest."""
    import msgspec

    from rocket_server import catalogue

    known = catalogue.load(load_settings().moodle_activities).values()
    if as_json:
        shown = [
            asdict(activity)
            | {
                "cap": msgspec.to_builtins(activity.cap),
                "withdraws": msgspec.to_builtins(activity.withdraws),
            }
            for activity in known
        ]
        typer.echo(json.dumps(shown, indent=2))
        return
    table(
        ("points", "event", "once per", "from the start", "Moodle's event"),
        [
            (
                activity.points,
                activity.event,
                activity.once_per,
                "yes" if activity.default else "",
                activity.eventname,
            )
            for activity in known
        ],
    )
