"""`rocket rules simulate`, and the batches that it applies."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    choose,
    database_urls,
    in_organisation,
    load_settings,
    opened,
    parts,
    table,
)
from rocket_server.cli.events import parse_since
from rocket_server.cli.rule_files import read_rules
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from rocket_server.catalogue import Activity
    from rocket_server.db.pool import Database
    from rocket_server.organisations.model import Organisation
    from rocket_server.rules.model import Rule
    from rocket_server.simulation.apply import Applied
    from rocket_server.simulation.batches import Batch
    from rocket_server.simulation.model import Addition, Period, SimulationResult, Sums
    from rocket_server.usecases.acting import Parts
    from rocket_server.usecases.batches import Given

T = TypeVar("T")

_STATEMENT_TIMEOUT_S = 3600
_SHOWN_WEEKS = 20
_SHOWN_COURSES = 10
_SHOWN_BATCHES = 50

File = Annotated[Path, typer.Argument(metavar="FILE", help="Rules in YAML or JSON.")]
Since = Annotated[
    str, typer.Option(help="Events received since 2026-01-31, a time with its zone, 90d or 12h.")
]
BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="As `rocket rules batches` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def simulate(
    file: File,
    since: Since,
    until: Annotated[str | None, typer.Option(help="Events received before this.")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Learners shown who gain, and who lose.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Set the rules in force and give what they would have given.")
    ] = False,
    yes: Yes = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Shows what changed rules would have given for the events of the past; writes nothing without --apply.

    Rules that aren't in FILE count as they were. With --apply, the rules of FILE are set in force, and
    learners get what they would have given and wasn't given; nothing is taken away. That is one batch, which
    `rocket rules undo-apply` takes back; run again, it gives nothing twice.
    """
    from rocket_server.simulation.model import Period

    now = datetime.now(UTC)
    rules = read_rules(str(file), _activities())
    start, end = parse_since(since, now), None if until is None else parse_since(until, now)
    if end is not None and end <= start:
        raise BadInput("--until must be after --since")
    if apply and not yes and not sys.stdin.isatty():
        raise BadInput("--apply asks before it writes: add --yes where nobody can answer")
    period = Period(start, end)

    async def try_out(url: str) -> tuple[SimulationResult, int]:
        async with opened(url, _STATEMENT_TIMEOUT_S) as database:
            return await _simulated(
                database, await _chosen(database, organisation, tenant), rules, period, top
            )

    async def give(url: str) -> Given:
        async with opened(url, _STATEMENT_TIMEOUT_S) as database:
            found = await _chosen(database, organisation, tenant)
            return await _applied(await parts(load_settings(), database), found, rules, period, now)

    outcome, additions = _run(try_out, "nothing was written")
    if not as_json:
        _show(outcome)
    shown = outcome.as_dict()
    if apply and (yes or _agreed(additions, as_json)):
        done = _run(give, "what was given stays; the same command goes on")
        batch, given = done.batch, done.applied
        shown["applied"] = {"batch_id": batch.batch_id, **given._asdict()}
        if not as_json:
            typer.echo(
                f"gave {_count(given.entries, 'award')}, {_count(given.points, 'point')}: "
                f"batch {batch.batch_id}"
            )
            if given.left_out:
                typer.echo(f"{given.left_out} left out: no cap left room, or they weren't due any more")
    if as_json:
        typer.echo(json.dumps(shown, indent=2))


def undo(
    batch: BatchId, yes: Yes = False, organisation: OrganisationOption = None, tenant: TenantOption = None
) -> None:
    """Takes back everything that a batch of `rocket rules simulate --apply` gave. The rules stay in force."""
    from rocket_server.ids import parse_uuid

    batch_id = parse_uuid(batch)
    if batch_id is None:
        raise BadInput("there is no such batch: `rocket rules batches` lists them")

    async def look(url: str) -> Batch:
        from rocket_server.simulation import batches

        async with opened(url) as database, database.connection() as conn:
            found = await choose(conn, organisation, tenant)
            return await batches.find(conn, found.organisation_id, batch_id)

    async def take_back(url: str) -> Applied:
        from rocket_server.audit.operators import operator
        from rocket_server.usecases import batches

        done = 0

        def on_piece(entries: int) -> None:
            nonlocal done
            done += entries
            progress(done, known.entries)

        async with opened(url, _STATEMENT_TIMEOUT_S) as database:
            found = await _chosen(database, organisation, tenant)
            with _progress("taking back") as progress:
                return await batches.undo(
                    await parts(load_settings(), database),
                    found.organisation_id,
                    operator("rocket rules undo-apply"),
                    batch_id,
                    on_piece,
                )

    known = _run(look, "nothing was taken back")
    if not yes and not sys.stdin.isatty():
        raise BadInput("undo-apply asks before it writes: add --yes where nobody can answer")
    if yes or typer.confirm(f"Take back {_count(known.points, 'point')}?"):
        given = _run(take_back, "what was taken back stays so; the same command goes on")
        typer.echo(f"took back {_count(given.entries, 'award')}, {_count(given.points, 'point')}")


def list_batches(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Lists what rules were given to the past, the latest first."""
    from rocket_server.simulation import batches

    async def work(conn: Any, found: Organisation) -> list[Batch]:
        return await batches.latest(conn, found.organisation_id, _SHOWN_BATCHES)

    rows = [
        (
            one.batch_id,
            one.status,
            one.entries,
            one.points,
            f"{one.since:%Y-%m-%d} to {one.until:%Y-%m-%d %H:%M}",
            ", ".join(f"{rule_id} v{version}" for rule_id, version in sorted(one.rules.items())),
        )
        for one in in_organisation(organisation, tenant, work)
    ]
    table(("batch", "state", "awards", "points", "received", "rules"), rows)


async def _simulated(
    database: Database, organisation: Organisation, rules: tuple[Rule, ...], period: Period, top: int
) -> tuple[SimulationResult, int]:
    """The outcome, and how many awards an application would give at most."""
    from rocket_server.simulation.run import Settings, simulate

    additions = 0

    async def count(found: list[Addition]) -> None:
        nonlocal additions
        additions += len(found)

    with _progress("judging") as progress:
        async with (
            database.connection() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            settings = Settings(top=top, on_progress=progress, on_additions=count, activities=_activities())
            outcome = await simulate(conn, organisation, rules, period, settings)
    return outcome, additions


async def _applied(
    services: Parts, organisation: Organisation, rules: tuple[Rule, ...], period: Period, now: datetime
) -> Given:
    from rocket_server.audit.operators import operator
    from rocket_server.simulation.model import Period
    from rocket_server.simulation.run import Settings
    from rocket_server.usecases import batches

    until = Period(period.since, period.until or now)
    with _progress("giving") as progress:
        settings = Settings(on_progress=progress, activities=services.configurations.activities)
        return await batches.apply(
            services, organisation, operator("rocket rules simulate"), rules, until, settings
        )


def _activities() -> Mapping[str, Activity]:
    from rocket_server import catalogue

    return catalogue.load(load_settings().moodle_activities)


def _agreed(additions: int, as_json: bool) -> bool:
    return typer.confirm(
        f"Set these rules in force and give up to {_count(additions, 'award')} to the past? "
        "Nothing is taken away",
        err=as_json,
    )


async def _chosen(database: Database, organisation: str | None, tenant: str | None) -> Organisation:
    async with database.connection() as conn:
        return await choose(conn, organisation, tenant)


def _show(outcome: SimulationResult) -> None:
    points = outcome.points
    typer.echo(
        f"{_count(outcome.events, 'event')} since {outcome.period.since:%Y-%m-%d %H:%M} UTC, "
        f"{outcome.events_judged:,} judged in {outcome.duration_s:.1f} s"
    )
    typer.echo(
        f"{points.current:,} points were given, {points.candidate:,} would have been: "
        f"{points.difference:+,}; {outcome.learners_touched:,} of "
        f"{_count(outcome.learners, 'learner')} touched"
    )
    heading = ("given", "would be", "difference")
    typer.echo()
    table(
        ("rule", "state", "awards", "would be", *heading, "decided otherwise"),
        [
            (
                one.rule_id,
                one.state.replace("_", " "),
                f"{one.awards_current:,}",
                f"{one.awards_candidate:,}",
                *_sums(one.points),
                f"{one.events_changed:,}",
            )
            for one in outcome.rules
            if one.decisions_current or one.decisions_candidate or one.state != "not_tried"
        ],
    )
    if not points.difference and not outcome.learners_touched:
        typer.echo("\nnothing differs")
        return
    weeks = outcome.weeks[-_SHOWN_WEEKS:]
    courses = outcome.courses[:_SHOWN_COURSES]
    parts: list[tuple[str, list[tuple[str, Sums]], int]] = [
        ("week from", [(f"{week}", sums) for week, sums in weeks], len(outcome.weeks) - len(weeks)),
        (
            "course",
            [(course or "(none)", sums) for course, sums in courses],
            len(outcome.courses) - len(courses) + outcome.courses_left_out,
        ),
        ("gaining most", [(one.user_id or one.learner_id, one.points) for one in outcome.gaining], 0),
        ("losing most", [(one.user_id or one.learner_id, one.points) for one in outcome.losing], 0),
    ]
    for what, rows, left_out in parts:
        if rows:
            typer.echo()
            table((what, *heading), [(name, *_sums(sums)) for name, sums in rows])
            if left_out:
                typer.echo(f"… and {left_out:,} more: --json has them")


def _sums(sums: Sums) -> tuple[str, str, str]:
    return f"{sums.current:,}", f"{sums.candidate:,}", f"{sums.difference:+,}" if sums.difference else "0"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _run(work: Callable[[str], Coroutine[Any, Any, T]], stopped: str) -> T:
    """What `work` answers, called with the database's URL. Questions are asked outside of it: a loop that
    waits for an answer wouldn't hear Ctrl-C."""
    with database_urls(load_settings()) as (url, _):
        try:
            return asyncio.run(work(url))
        except KeyboardInterrupt:
            typer.echo(f"stopped: {stopped}", err=True)
            raise


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where a person reads it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total))
