"""`rocket rules reset-course`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases import courses
    from rocket_server.usecases.acting import Parts

_MAX_COURSE_ID = 255


def reset_course(
    course: Annotated[str, typer.Argument(metavar="COURSE", help="Its id, as events have it in course_id.")],
    source: Annotated[str | None, typer.Option(help="The source whose course it is; else in all.")] = None,
    at: Annotated[str | None, typer.Option(help="A time with its zone; else now.")] = None,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Lets a course begin anew: what rules count by it counts from then on. No points are taken back."""
    from rocket_server.organisations import sources
    from rocket_server.usecases import courses

    if not course.isprintable() or not 0 < len(course) <= _MAX_COURSE_ID:
        raise BadInput(f"COURSE is the id of a course, of 1 to {_MAX_COURSE_ID} characters")
    moment = _moment(at)
    command = courses.ResetCourse(course, moment.isoformat(), source)

    async def work(services: Parts, found: Organisation, actor: Actor) -> courses.CourseReset:
        async with services.database.connection() as conn:
            names = {one.name for one in await sources.all_sources(conn, found.organisation_id)}
        if source is not None and source not in names:
            raise BadInput(f"--source takes one of {', '.join(sorted(names))}")
        return (await courses.reset(services, found.organisation_id, actor, command)).result

    is_new = act("rocket rules reset-course", organisation, tenant, work).status == "reset"
    said = "begins anew" if is_new else "began anew already"
    typer.echo(f"course {course} {said} at {moment.isoformat()}")


def _moment(text: str | None) -> datetime:
    now = datetime.now(UTC)
    if text is None:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment > now:
        raise BadInput("--at takes a time that has passed, with its zone, such as 2026-09-01T00:00:00+02:00")
    return moment.astimezone(UTC)
