"""Courses that begin anew, as API callers say it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.points import IdempotencyKey, replayable
from rocket_server.http.auth import AdminKey
from rocket_server.http.queries import with_plus
from rocket_server.http.responses import Json
from rocket_server.times import rfc3339
from rocket_server.usecases import courses
from rocket_server.usecases.courses import ResetCourse

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
    asked = body or ResetRequest()
    command = ResetCourse(course_id, with_plus(asked.at) if asked.at else asked.at, asked.source)
    done = await courses.reset(*acting(request, principal), command, idempotency_key)
    return replayable({**asdict(done.result), "at": rfc3339(done.result.at)}, replayed=done.replayed)
