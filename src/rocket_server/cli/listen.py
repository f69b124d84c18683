"""`rocket listen`: a receiver for trying webhooks out."""

from __future__ import annotations

from typing import Annotated

import typer


def listen(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 3000,
    secret: Annotated[str | None, typer.Option(help="The endpoint's secret, as it was shown.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Receives webhooks on any path, prints them, and says which signature fits. Ctrl-C ends it."""
    from rich.console import Console

    from rocket_server.cli.receiver import Receiver

    console = Console()
    try:
        server = Receiver((host, port), secret, console)
    except OSError as error:
        typer.echo(f"rocket: can't listen on {host}:{port}: {error}", err=True)
        raise typer.Exit(1) from error
    with server:
        console.print(f"Listening on http://{host}:{server.server_port}/ on any path. Ctrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("Stopped.")
