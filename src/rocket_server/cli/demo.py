"""`rocket demo`: a real Moodle's morning on the running server, and who got what and why."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer


def demo(
    url: Annotated[
        str | None, typer.Option(help="The running server; else ROCKET_PUBLIC_URL or this machine's.")
    ] = None,
) -> None:
    """Sends a recorded morning of a real Moodle to the running server, into an organisation named Demo."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from rocket_server.config.settings import Settings
    from rocket_server.demo import report
    from rocket_server.demo.client import DemoError
    from rocket_server.demo.play import play

    console = Console()
    settings = Settings.from_environ(os.environ)
    target = (url or settings.public_url).rstrip("/")
    progress = Progress(
        TextColumn("Sending a morning of a real Moodle"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    task = progress.add_task("", total=None, visible=False)
    try:
        with progress:
            outcome = play(
                settings,
                url=target,
                today=datetime.now(UTC).date(),
                on_start=lambda total: progress.update(task, total=total, visible=True),
                on_answer=lambda: progress.advance(task),
            )
    except DemoError as error:
        typer.echo(f"rocket: {error}", err=True)
        raise typer.Exit(1) from error
    report.show(console, outcome, target)
