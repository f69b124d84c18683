"""`rocket import`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act, load_settings
from rocket_server.processes.faults import BadInput, Failure

if TYPE_CHECKING:
    from rich.progress import Progress

    from rocket_server.audit.model import Actor
    from rocket_server.jobs.table import StoredJob
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases.acting import Parts
    from rocket_server.usecases.importing import Importing

app = typer.Typer(help="Files of what happened before.", no_args_is_help=True)

_READ_BYTES: Final = 1024 * 1024
_TURN_S: Final = 0.5  # between two looks at the bar
_REJECTED: Final = 3  # the exit status where some rows weren't taken

FileArgument = Annotated[Path, typer.Argument(help="A CSV file, which may be packed by gzip.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Report what would be, and change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON, as the API answers it.")]


@app.callback()
def imports() -> None:
    """Files of what happened before."""


@app.command()
def events(
    file: FileArgument,
    dry_run: DryRun = False,
    no_awards: Annotated[
        bool, typer.Option("--no-awards", help="Store the events, and give nothing for them.")
    ] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Tell webhooks of what happened then, too.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Of rows that name none; else csv_import.")] = None,
    course: Annotated[
        list[str] | None,
        typer.Option(help="THEIRS=OURS, may be repeated; with any, courses without one are unknown."),
    ] = None,
    platform_ids: Annotated[
        bool, typer.Option("--platform-ids", help="Users are the source's own: moodle:8774 for 8774.")
    ] = False,
    as_json: AsJson = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Imports events from a CSV file: each row once, however often the file is given.

    The first line names the columns: event, user_id and timestamp are needed; course_id, lesson_id,
    progress_pct, time_on_task_sec, event_id and source are known, in any order; others are kept as
    properties. Rows that can't be taken go to FILE.rejected.csv, with the reason in the last column: mend
    them there and import that file. Status 0: all were taken; 3: some were rejected.
    """
    from rocket_server.usecases import imports as acts
    from rocket_server.usecases.importing import Importing

    settings = load_settings()
    options = acts.Options(acts.order(source, course or [], platform_ids), dry_run, no_awards, notify)

    async def work(services: Parts, found: Organisation, actor: Actor) -> dict[str, Any]:
        importing = Importing(
            services.database, services.configurations, settings.max_clock_skew_s, turn_s=_TURN_S
        )
        stored = await acts.store_file(
            services, found.organisation_id, _content(file), settings.max_import_bytes
        )
        job = await acts.start_events(services, found.organisation_id, actor, stored, options)
        return await _finish(services, job, importing, file)

    _print(
        act("rocket import events", organisation, tenant, work, settings=settings, plugins=True),
        file,
        as_json,
    )


@app.command()
def users(
    file: FileArgument,
    dry_run: DryRun = False,
    source: Annotated[
        str | None, typer.Option(help="The platform whose ids LMS_ID has; else the first Moodle.")
    ] = None,
    as_json: AsJson = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Imports people from a CSV file: makes them, or brings up to date who is known by one of their ids.

    The first line names the columns: Name, Email, LMS_ID, Student_ID, Organisation, Moodle_ID and User_ID
    are known, in any order; one of the ids is needed; others are kept as metadata. Two who are known apart
    are never made one: such a row is rejected. Rejected rows and the status are those of `rocket import
    events`.
    """
    from rocket_server.usecases import imports as acts
    from rocket_server.usecases.importing import Importing

    settings = load_settings()

    async def work(services: Parts, found: Organisation, actor: Actor) -> dict[str, Any]:
        importing = Importing(
            services.database, services.configurations, settings.max_clock_skew_s, turn_s=_TURN_S
        )
        options = await acts.people_options(services, found.organisation_id, source, dry_run)
        stored = await acts.store_file(
            services, found.organisation_id, _content(file), settings.max_import_bytes
        )
        job = await acts.start_people(services, found.organisation_id, actor, stored, options)
        return await _finish(services, job, importing, file)

    report = act("rocket import users", organisation, tenant, work, settings=settings)
    _print(report, file, as_json)


async def _content(file: Path) -> AsyncIterator[bytes]:
    try:
        with file.open("rb") as opened:
            while data := await asyncio.to_thread(opened.read, _READ_BYTES):
                yield data
    except OSError as error:
        raise BadInput(f"{file} can't be read: {error.strerror or type(error).__name__}") from error


async def _finish(services: Parts, job: StoredJob, importing: Importing, file: Path) -> dict[str, Any]:
    """Do the job here, or let a worker do it that was faster; its report, with the rejected rows written."""
    from rocket_server.imports.shown import report
    from rocket_server.usecases.importing import run_here

    with _progress() as bar:
        task = bar.add_task("importing", total=job.total)
        async for so_far in run_here(services, job, importing):
            job = so_far
            bar.update(task, completed=job.done, description=f"{job.counts.get('read', 0)} rows")
    if job.counts.get("rejected"):
        await _write_rejected(services, job, _rejected_path(file))
    return report(job)


async def _write_rejected(services: Parts, job: StoredJob, path: Path) -> None:
    from rocket_server.usecases import imports as acts

    try:
        with path.open("w", encoding="utf-8", newline="") as opened:
            async for text in acts.rejected(services, job):
                opened.write(text)
    except OSError as error:
        raise Failure(
            f"the import is done, but {path} can't be written ({error.strerror}): "
            f"GET /v1/imports/{job.job_id}/rejected.csv has the rejected rows"
        ) from error


def _rejected_path(file: Path) -> Path:
    return file.with_name(f"{file.name}.rejected.csv")


def _print(report: dict[str, Any], file: Path, as_json: bool) -> None:
    rows = report["rows"]
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        verb = "would be taken" if report["dry_run"] else "taken"
        gives = "would give" if report["dry_run"] else "gave"
        points = f"; {gives} {report['points_awarded']} points" if report["kind"] == "events" else ""
        typer.echo(
            f"{rows['read']} rows: {rows['accepted']} {verb}, {rows['duplicates']} were there before, "
            f"{rows['rejected']} rejected, {rows['warnings']} with warnings{points}"
        )
        for trouble in report["troubles"]:
            typer.echo(f"  {trouble['rows']:>8}  {trouble['trouble']} ({trouble['severity']})")
            for first in trouble["first"][:2]:
                typer.echo(f"            line {first['line']}: {first['message']}")
        if rows["rejected"]:
            typer.echo(f"rejected rows, with the reason in the last column: {_rejected_path(file)}")
    if report["status"] != "done":
        raise Failure(f"the import is {report['status']}: {report['error'] or 'somebody ended it'}")
    if rows["rejected"]:
        raise typer.Exit(_REJECTED)


def _progress() -> Progress:
    """A bar on standard error, where a person reads it."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
