"""Jobs started and cancelled."""

from __future__ import annotations

from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.backfill import badges
from rocket_server.jobs import table
from rocket_server.jobs.table import StoredJob
from rocket_server.usecases.acting import Services


async def backfill_badge(services: Services, organisation_id: str, actor: Actor, badge_id: str) -> StoredJob:
    """Start giving a badge to everybody who has met its criteria. Raises NotFound, or Conflict where the
    badge can't be asked about or is being given already."""

    async def work(conn: Any) -> StoredJob:
        configuration = await services.configurations.current(conn, organisation_id)
        job = await badges.start(conn, configuration, badge_id, actor.short)
        await audit.add(conn, organisation_id, actor, [Act("job.started", subject(job), None, state(job))])
        return job

    return await services.database.run(work)


async def cancel(services: Services, organisation_id: str, actor: Actor, job_id: str) -> StoredJob:
    """End a job; what it has done stays. Raises NotFound, or Conflict where it has finished."""

    async def work(conn: Any) -> StoredJob:
        before = await table.read(conn, organisation_id, job_id)
        job = await table.cancel(conn, organisation_id, job_id)
        if not before.is_finished:
            act = Act("job.cancelled", subject(job), state(before), state(job))
            await audit.add(conn, organisation_id, actor, [act])
        return job

    return await services.database.run(work)


def subject(job: StoredJob) -> str:
    """How the audit log names a job."""
    return subject_of("job", job.job_id)


def state(job: StoredJob) -> dict[str, Any]:
    """What the audit log says of a job."""
    return {"kind": job.kind, "subject": job.subject, "status": job.status, "done": job.done}
