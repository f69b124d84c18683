"""`rocket events`."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    choose,
    database_urls,
    load_settings,
    opened,
)
from rocket_server.processes.faults import BadInput, Failure

if TYPE_CHECKING:
    from rich.progress import Progress

    from rocket_server.configuration.snapshot import Configurations
    from rocket_server.db.pool import Database
    from rocket_server.pipeline import Result

app = typer.Typer(help="What was received.", no_args_is_help=True)

_AT_ONCE = 500  # events in one transaction
_FIRST = "00000000-0000-0000-0000-000000000000"
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
    settings = load_settings()
    start = parse_since(since, datetime.now(UTC))
    statuses = [one.value for one in status]

    async def work(url: str) -> tuple[Counter[str], int, int]:
        from rocket_server.configuration.snapshot import Configurations
        from rocket_server.plugins import dispatch
        from rocket_server.plugins.discovery import discover

        plugins = await discover(settings, os.environ)
        configurations = Configurations(settings.moodle_activities, dispatch.subscriptions(plugins))
        outcomes: Counter[str] = Counter()
        points = failed = 0
        async with opened(url) as database:
            async with database.connection() as conn:
                found = await choose(conn, organisation, tenant)
            with _progress() as bar:
                task = bar.add_task("running again", total=None)
                async for results, failures in _retried(
                    database, configurations, found.organisation_id, statuses, start
                ):
                    outcomes.update(result.status for result in results)
                    points += sum(result.points_awarded for result in results)
                    failed += failures
                    bar.update(task, advance=len(results) + failures)
        return outcomes, points, failed

    with database_urls(settings) as (url, _):
        outcomes, points, failed = asyncio.run(work(url))
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


async def _retried(
    database: Database,
    configurations: Configurations,
    organisation_id: str,
    statuses: Sequence[str],
    since: datetime,
) -> AsyncIterator[tuple[list[Result], int]]:
    """Results of the events, the oldest first, some hundred to a transaction; and how many failed."""
    from rocket_server.events import store
    from rocket_server.people.held import run_again

    kept = [status for status in statuses if status != Status.suspended]
    for of_suspended in (False, True):
        if not (Status.suspended in statuses if of_suspended else kept):
            continue
        after = _FIRST
        while True:
            async with database.connection() as conn:
                if of_suspended:
                    event_ids = await store.suspended(conn, organisation_id, since, after, _AT_ONCE)
                else:
                    event_ids = await store.to_retry(conn, organisation_id, kept, since, after, _AT_ONCE)
            if not event_ids:
                break
            after = event_ids[-1]
            results = await run_again(database, configurations, organisation_id, event_ids)
            yield results, len(event_ids) - len(results)


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
