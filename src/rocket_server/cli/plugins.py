"""`rocket plugins`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import typer

from rocket_server.cli.common import load_settings, table

_SHOWN = 3  # events of a plugin

app = typer.Typer(help="Plugins: what is installed here.", no_args_is_help=True)


@app.callback()
def plugins() -> None:
    """Plugins: what is installed here."""


@app.command("list")
def list_plugins() -> None:
    """Lists the installed plugins, as a server started here would find them; status 1 where one is broken."""
    from rocket_server import logs
    from rocket_server.plugins.discovery import discover

    settings = load_settings()
    logs.configure("error", settings.log_format)
    manager = asyncio.run(discover(settings, os.environ))
    rows = [
        (
            plugin.id,
            plugin.version,
            "active" if plugin.is_active else "inactive",
            _some([hook.name for hook in plugin.hooks]),
            _some(plugin.external_service.webhook.events if plugin.external_service else ()),
            plugin.description or plugin.name,
        )
        for plugin in manager.get_plugins()
    ]
    rows += [(failed.entry_point, "", "failed", "-", "-", failed.message) for failed in manager.failed]
    table(("plugin", "version", "status", "hooks", "service", "what it is"), rows)
    if manager.failed:
        raise typer.Exit(1)


def _some(events: Sequence[str]) -> str:
    """The first few of the events, each once."""
    each = list(dict.fromkeys(events))
    rest = f" and {len(each) - _SHOWN} more" if len(each) > _SHOWN else ""
    return " ".join(each[:_SHOWN]) + rest or "-"
