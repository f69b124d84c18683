"""`rocket moodle`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rocket_server.cli.common import load_settings, table
from rocket_server.processes.faults import Failure

app = typer.Typer(help="What Moodle needs to send events, and which events are known.", no_args_is_help=True)


@app.command()
def workflows(
    out: Annotated[Path, typer.Option(help="Folder for the files; made where it isn't there.")],
    token: Annotated[str | None, typer.Option(help="The Moodle source's token; else paste it later.")] = None,
) -> None:
    """Writes workflow files that Moodle's Event Trigger plugin can import, one for each known event."""
    from rocket_server import catalogue
    from rocket_server.organisations.sources import hook_url
    from rocket_server.sources.workflows import workflows as made_for

    settings = load_settings()
    activities = catalogue.load(settings.moodle_activities)
    url = hook_url(settings.public_url, "moodle")
    written = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in made_for(url, token, activities):
            (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            written += 1
    except OSError as error:
        raise Failure(f"can't write to {out}: {error.strerror}") from error
    typer.echo(f"wrote {written} workflows to {out}; they send to {url}")


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
