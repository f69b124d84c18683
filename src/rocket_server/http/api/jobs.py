"""Jobs: work that people start in the background, how far it is, and ending it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from rocket_server.errors import NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.jobs import table
from rocket_server.jobs.table import Status, StoredJob
from rocket_server.times import rfc3339
from rocket_server.usecases import jobs as acts

router = APIRouter(prefix="/v1", tags=["jobs"], responses=openapi.CHANGE_ERRORS)


class JobProgress(BaseModel):
    """How many things were looked at, and of how many, where that is known."""

    done: int
    total: int | None
    pct: int | None = Field(description="0 to 100; 100 only when all is done.")


class JobShown(BaseModel):
    """A job. `counts` says what came of it, in words of its kind."""

    job_id: str
    kind: str
    subject: str
    status: Status
    progress: JobProgress
    counts: dict[str, int]
    created_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    error: str | None = Field(description="Why it failed, or why its last try did.")


class JobPage(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobShown]
    next_cursor: str | None


@router.get("/jobs", response_model=JobPage)
async def list_jobs(
    request: Request,
    principal: ReadKey,
    status: Status | None = None,
    kind: Annotated[str | None, Query(max_length=50, pattern=r"^[a-z_]*$")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """The organisation's jobs, the newest first. Finished ones are kept for 90 days."""
    async with services_of(request).database.connection() as conn:
        found = await table.page(
            conn, principal.organisation_id, id_after(cursor), status, [kind] if kind else None, limit
        )
    return Json(page("jobs", [_shown(job) for job in found], limit, "job_id"))


@router.get("/jobs/{job_id}", response_model=JobShown)
async def read_job(request: Request, principal: ReadKey, job_id: str) -> Json:
    """One job and how far it is."""
    async with services_of(request).database.connection() as conn:
        return Json(_shown(await table.read(conn, principal.organisation_id, _known_id(job_id))))


@router.delete("/jobs/{job_id}", response_model=JobShown)
async def cancel_job(request: Request, principal: AdminKey, job_id: str) -> Json:
    """Cancel a job that waits or runs. What it has done stays; the same again answers the same."""
    wanted = _known_id(job_id)
    return Json(_shown(await acts.cancel(*acting(request, principal), wanted)))


@router.post("/badges/{badge_id}/backfill", status_code=202, response_model=JobShown)
async def backfill_badge(request: Request, principal: AdminKey, badge_id: str) -> Json:
    """Give a badge to everybody whose past meets its criteria: a job. Without it, each learner gets the badge
    with the next event that concerns it."""
    job = await acts.backfill_badge(*acting(request, principal), badge_id)
    return Json(_shown(job), status_code=202)


def _shown(job: StoredJob) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "subject": job.subject,
        "status": job.status,
        "progress": {"done": job.done, "total": job.total, "pct": _percent(job)},
        "counts": job.counts,
        "created_by": job.created_by,
        "created_at": rfc3339(job.created_at),
        "started_at": rfc3339(job.started_at) if job.started_at else None,
        "finished_at": rfc3339(job.finished_at) if job.finished_at else None,
        "error": job.error,
    }


def _percent(job: StoredJob) -> int | None:
    if job.status == "done":
        return 100
    return None if job.total is None else min(99, 100 * job.done // max(1, job.total))


def _known_id(text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise NotFound("There is no such job.")
    return found
