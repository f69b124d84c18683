"""`rocket config`."""

from __future__ import annotations

from typing import Annotated

import typer

from rocket_server.cli.common import database_urls, load_settings, table


def config(
    database_url: Annotated[
        bool, typer.Option("--database-url", help="Print the URL of the database's owner and nothing else.")
    ] = False,
) -> None:
    """Prints the effective settings, passwords masked."""
    settings = load_settings()
    if database_url:
        with database_urls(settings) as (_, owner_url):
            typer.echo(owner_url)
        return
    table(("setting", "value", "what it is"), settings.as_rows())
