"""Courses that begin anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rocket_server import pipeline
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.errors import InvalidPayload
from rocket_server.rules.resets import EVERY_SOURCE, Reset
from rocket_server.sources.times import moment
from rocket_server.usecases import checked
from rocket_server.usecases.acting import Once, Services, once


@dataclass(frozen=True, slots=True)
class ResetCourse:
    """When a course began anew, in the organisation's zone where it has no offset (now, where it isn't said),
    and in which source (in all)."""

    course_id: str
    at: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class CourseReset:
    """A reset, and the rules that count something by a course."""

    status: Literal["reset", "already_reset"]
    course_id: str
    source: str | None
    at: datetime
    freed: list[dict[str, Any]]


async def reset(
    services: Services, organisation_id: str, actor: Actor, command: ResetCourse, key: str | None = None
) -> Once[CourseReset]:
    """Let a course begin anew: what rules count by it counts from then on. No points are taken back, and what
    was decided stays. Raises InvalidPayload, Conflict where there are too many resets."""
    checked.storable(command.course_id, "course_id")
    now = datetime.now(UTC)

    async def work(conn: Any) -> CourseReset:
        configuration = await services.configurations.current(conn, organisation_id)
        if command.source is not None and configuration.source_named(command.source) is None:
            raise InvalidPayload.field("source", "must be the name of a source of the organisation")
        at = moment("at", command.at, configuration.organisation.timezone, latest=now) or now
        wanted = Reset(command.course_id, command.source or EVERY_SOURCE, at)
        is_new = await pipeline.reset_course(conn, organisation_id, wanted, actor.short)
        if is_new:
            after = {"at": at, "source": command.source}
            act = Act("course.reset", subject_of("course", command.course_id), None, after)
            await audit.add(conn, organisation_id, actor, [act])
        status: Literal["reset", "already_reset"] = "reset" if is_new else "already_reset"
        return CourseReset(status, command.course_id, command.source, at, pipeline.freed(configuration))

    asked = ["reset", command.course_id, {"at": command.at, "source": command.source}]
    return await once(services, organisation_id, key, asked, CourseReset, work)
