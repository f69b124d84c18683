"""Writes commands.md from the commands themselves: run `python docs/reference/commands.py`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from rocket_server.cli import app

PAGE = Path(__file__).with_name("commands.md")
HEADER = """\
# Commands

Every command reads its settings from the environment; `rocket config` shows them. What can't be used is
answered in one line on standard error and with status 2; where something else is in the way, such as a
database that is down, with status 1.

This page is made from the commands by `python docs/reference/commands.py`.
"""


def page() -> str:
    """The page as the commands are today."""
    return HEADER + "".join(_section(path, command) for path, command in _commands("rocket", _root()))


def _root() -> Any:
    return typer.main.get_command(app)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Each command that does something, with the words that call it, in the order of the help."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, one in below.items():
        yield from _commands(f"{path} {name}", one)


def _section(path: str, command: Any) -> str:
    parameters = [one for one in command.params if one.name != "help"]
    usage = [path]
    for one in parameters:
        if one.param_type_name == "argument":
            usage.append(_argument(one) if one.required else f"[{_argument(one)}]")
        elif one.required:
            usage.append(f"{one.opts[0]} …")
    if any(one.param_type_name == "option" and not one.required for one in parameters):
        usage.append("[options]")
    rows = "".join(_row(one) for one in parameters)
    table = f"\n| | |\n|---|---|\n{rows}" if rows else ""
    return f"\n## `{path}`\n\n    {' '.join(usage)}\n\n{inspect.cleandoc(command.help or '')}\n{table}"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = [_argument(parameter)]
    else:
        names = [*parameter.opts, *parameter.secondary_opts]
    said = (parameter.help or "").replace("|", "\\|")
    default = parameter.default
    if isinstance(default, str | int) and not isinstance(default, bool) and default != "":
        said += f" Default: `{default}`."
    return f"| {', '.join(f'`{name}`' for name in names)} | {said} |\n"


def _argument(parameter: Any) -> str:
    several = "…" if parameter.nargs == -1 else ""
    return f"{parameter.name.upper()}{several}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
