"""Courses that begin anew, as API callers say it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server import pipeline
from rocket_server.errors import InvalidPayload
from rocket_server.http import openapi
from rocket_server.http.api.points import IdempotencyKey, check_storable, once
from rocket_server.http.auth import AdminKey
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.rules.resets import EVERY_SOURCE, Reset

router = APIRouter(prefix="/v1/courses", tags=["rules"], responses=openapi.CHANGE_ERRORS)


class ResetRequest(BaseModel):
    """When a course began anew (now, where it isn't said), and in which source (in all)."""

    model_config = ConfigDict(extra="forbid")

    at: str | None = Field(default=None, max_length=100)
    source: str | None = Field(default=None, min_length=1, max_length=100)


class FreedRule(BaseModel):
    """A rule in force, and those of its limits that count anew."""

    rule_id: str
    constraints: list[str]


class CourseReset(BaseModel):
    """A reset, and the rules that count something by a course; `already_reset` where it was noted before."""

    status: str = Field(description="`reset` or `already_reset`.")
    course_id: str
    source: str | None
    at: str
    freed: list[FreedRule]


@router.post("/{course_id}/reset", response_model=CourseReset)
async def reset_course(
    request: Request,
    principal: AdminKey,
    course_id: Annotated[str, Path(max_length=255)],
    body: ResetRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Json:
    """Let a course begin anew: what rules count by it counts from `at` on. No points are taken back, and what
    was decided stays."""
    services, now = services_of(request), datetime.now(UTC)
    asked = body or ResetRequest()
    check_storable(course_id, "course_id")

    async def work(conn: Any) -> dict[str, Any]:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        if asked.source is not None and configuration.source_named(asked.source) is None:
            raise InvalidPayload.field("source", "the name of a source of the organisation")
        at = moment("at", asked.at, configuration.organisation.timezone, latest=now) or now
        reset = Reset(course_id, asked.source or EVERY_SOURCE, at)
        is_new = await pipeline.reset_course(conn, principal.organisation_id, reset, principal.actor)
        return {
            "status": "reset" if is_new else "already_reset",
            "course_id": course_id,
            "source": asked.source,
            "at": rfc3339(at),
            "freed": pipeline.freed(configuration),
        }

    return await once(services, principal, idempotency_key, ["reset", course_id, asked.model_dump()], work)
