"""`rocket events`."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act
from rocket_server.processes.faults import BadInput, Failure

if TYPE_CHECKING:
    from rich.progress import Progress

    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="What was received.", no_args_is_help=True)

_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Status(StrEnum):
    """Events that gave nothing, and may give something once a cause was mended."""

    held = "held"
    ignored = "ignored"
    failed = "failed"
    suspended = "suspended"


@app.callback()
def events() -> None:
    """What was received."""


@app.command()
def retry(
    status: Annotated[list[Status], typer.Option(help="held, ignored, failed, suspended; may be repeated.")],
    since: Annotated[str, typer.Option(help="Received since 2026-01-31, a time with its zone, 7d or 12h.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Runs stored events again, after a mapping, a learner or a rule was mended.

    `--status suspended` means events that gave nothing because their learner was suspended.
    """
    from rocket_server.usecases import events

    start = parse_since(since, datetime.now(UTC))
    statuses = [one.value for one in status]

    async def work(services: Parts, found: Organisation, actor: Actor) -> tuple[Counter[str], int, int]:
        outcomes: Counter[str] = Counter()
        points = failed = 0
        with _progress() as bar:
            task = bar.add_task("running again", total=None)
            async for results, failures in events.retry_all(
                services, found.organisation_id, actor, statuses, start
            ):
                outcomes.update(result.status for result in results)
                points += sum(result.points_awarded for result in results)
                failed += failures
                bar.update(task, advance=len(results) + failures)
        return outcomes, points, failed

    outcomes, points, failed = act("rocket events retry", organisation, tenant, work, plugins=True)
    total = outcomes.total()
    if not total and not failed:
        typer.echo("there are no such events")
        return
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    typer.echo(f"ran {total} event{'' if total == 1 else 's'} again: {told}; {points} points")
    if failed:
        raise Failure(f"{failed} could not be run and stay as they were; the log names them")


def parse_since(text: str, now: datetime) -> datetime:
    """A date (from midnight UTC), a time with its zone, or so many minutes, hours, days or weeks ago."""
    if ago := _AGO.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise BadInput(f"--since {text} is before all time") from None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--since takes 2026-01-31, 2026-01-31T08:00:00+01:00, or 7d, 12h, 30m; not {text!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _progress() -> Progress:
    """A bar on standard error, where a person reads it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
