"""`rocket bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from rocket_server.processes.faults import Failure


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one, such as p1; else all.")] = None,
) -> None:
    """Runs the benchmarks of a checkout, or one of them; further options are passed on."""
    root = Path(__file__).parents[3]
    if not (root / "benchmarks" / "__main__.py").exists():
        raise Failure("the benchmarks come with the source: clone the repository and run `make bench` in it")
    command = [sys.executable, "-m", "benchmarks", name or "all", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603
