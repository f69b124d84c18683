"""`rocket work`."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from rocket_server.cli.common import embedded_database, load_settings
from rocket_server.processes.supervisor import keep_running


def work(
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Deliveries in flight at once; else ROCKET_WORKER_CONCURRENCY."),
    ] = None,
) -> None:
    """Sends webhooks and does the background jobs, until Ctrl-C or SIGTERM.

    Any number may run on one database, on any machines. Each delivery is held by one worker at a time; one
    whose worker is lost is sent by another a few seconds after the endpoint's time-out.
    """
    settings = load_settings(worker_concurrency=concurrency)
    with embedded_database(settings) as database:
        from rocket_server import logs
        from rocket_server.processes import working

        logs.configure(settings.log_level, settings.log_format)
        if database is not None:
            threading.Thread(target=keep_running, args=[database], daemon=True).start()
        url = settings.database_url or (database.url if database else "")
        working.run(settings, url, on_ready=_say)


def _say() -> None:
    typer.echo("Rocket delivers (Ctrl-C stops it)", err=True)
