"""`rocket migrate`."""

from __future__ import annotations

import typer

from rocket_server.cli.common import database_urls, load_settings


def migrate() -> None:
    """Brings the database to the current schema. Safe to run from many processes at once."""
    from rocket_server.db.migrate import HEAD
    from rocket_server.db.migrate import migrate as bring_up

    with database_urls(load_settings(), make=True) as (_, owner_url):
        applied = bring_up(owner_url)
    typer.echo(f"applied {', '.join(applied)}" if applied else f"the database is at revision {HEAD} already")
