"""The audit log: who changed what, when and from where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from rocket_server.audit import store
from rocket_server.audit.model import subject_of
from rocket_server.audit.store import Line, Wanted
from rocket_server.http import openapi
from rocket_server.http.auth import AdminKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.learners import store as learners
from rocket_server.times import rfc3339

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=openapi.ERRORS)

# The log names learners by ids that mean nothing, and people by those that they have now.
_LEARNER: Final = "user:"
_NO_NUL: Final = r"^[^\x00]*$"

Text = Annotated[str | None, Query(min_length=1, max_length=400, pattern=_NO_NUL)]
Time = Annotated[str | None, Query(max_length=40)]


class AuditLine(BaseModel):
    """One act: who did what with whom or what, and what was before and after it, as far as it differs."""

    audit_id: str
    at: str
    actor: str = Field(description="Kind and id: `key:<key_id>`, `command:<user>@<host>`.")
    actor_name: str = Field(description="As a person knows them: the beginning of a key, a command.")
    address: str | None = Field(description="Where a request came from.")
    action: str = Field(examples=["rule.changed"])
    subject: str = Field(description="Kind and id: `rule:<rule_id>`, `user:<user_id>`.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class AuditPage(BaseModel):
    """Acts, the latest first."""

    audit: list[AuditLine]
    next_cursor: str | None


@router.get("", response_model=AuditPage)
async def list_acts(
    request: Request,
    principal: AdminKey,
    actor: Text = None,
    action: Text = None,
    subject: Text = None,
    since: Time = None,
    until: Time = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """Every change by a person, key or command, the latest first. Lines are never changed or removed."""
    services, organisation_id = services_of(request), principal.organisation_id
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, organisation_id)
        zone = configuration.organisation.timezone
        wanted = Wanted(
            actor=actor,
            action=action,
            subjects=None if subject is None else await _subjects(conn, organisation_id, subject),
            since=moment("since", since, zone),
            until=moment("until", until, zone),
            before=id_after(cursor),
        )
        lines = await store.page(conn, organisation_id, wanted, limit)
        named = await learners.user_ids(conn, organisation_id, _learner_ids(lines))
    return Json(page("audit", [_shown(line, named) for line in lines], limit, "audit_id"))


async def _subjects(conn: Any, organisation_id: str, subject: str) -> Sequence[str]:
    """What stands in the log for a subject: a learner under the ids of all who were merged into them."""
    if not subject.startswith(_LEARNER):
        return [subject]
    found = await learners.find_one(conn, organisation_id, subject.removeprefix(_LEARNER))
    if found is None:
        return []
    return [
        subject_of("user", learner_id)
        for learner_id in await learners.merged_into(conn, organisation_id, found.learner_id)
    ]


def _learner_ids(lines: Sequence[Line]) -> set[str]:
    return {line.subject.removeprefix(_LEARNER) for line in lines if line.subject.startswith(_LEARNER)}


def _shown(line: Line, named: dict[str, str]) -> dict[str, Any]:
    subject = line.subject
    if subject.startswith(_LEARNER):
        learner_id = subject.removeprefix(_LEARNER)
        subject = f"{_LEARNER}{named.get(learner_id, learner_id)}"
    return {
        "audit_id": line.audit_id,
        "at": rfc3339(line.at),
        "actor": line.actor,
        "actor_name": line.actor_name,
        "address": line.address,
        "action": line.action,
        "subject": subject,
        "before": line.before,
        "after": line.after,
        "request_id": line.request_id,
    }
