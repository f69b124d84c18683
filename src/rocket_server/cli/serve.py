"""`rocket serve`."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from rocket_server.cli.common import embedded_database, load_settings
from rocket_server.cli.listening import listen
from rocket_server.processes.supervisor import Supervisor, keep_running


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else ROCKET_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; else ROCKET_PORT.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes that share the port.")] = 1,
    no_delivery: Annotated[
        bool, typer.Option("--no-delivery", help="No webhooks from here: `rocket work` sends them.")
    ] = False,
) -> None:
    """Runs the HTTP server and a delivery worker on a migrated database, until Ctrl-C or SIGTERM."""
    settings = load_settings(host=host, port=port)
    listening = listen(settings.host, settings.port)
    with embedded_database(settings) as database:
        url = settings.database_url or (database.url if database else "")
        if workers == 1 and no_delivery:
            from rocket_server import logs
            from rocket_server.processes import serving

            logs.configure(settings.log_level, settings.log_format)
            if database is not None:
                threading.Thread(target=keep_running, args=[database], daemon=True).start()
            serving.run(settings, url, listening, on_ready=lambda: _say(settings.public_url))
        else:
            with Supervisor(settings, listening, workers, delivery=not no_delivery) as supervisor:
                supervisor.start_serving(url)
                supervisor.wait_until_ready()
                _say(settings.public_url)
                supervisor.watch(database)


def _say(url: str) -> None:
    typer.echo(f"Rocket serves on {url} (Ctrl-C stops it)", err=True)
