"""Keys that are corrected after attempts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.assessments.attempts import regrades
from rocket_server.assessments.attempts.regrades import Regrade
from rocket_server.assessments.model import number
from rocket_server.errors import NotFound
from rocket_server.http.assessments import models
from rocket_server.http.assessments.access import AuthorKey, Named, StaffKey, author_of, known
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer, time
from rocket_server.http.assessments.reading import Body
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import regrading
from rocket_server.usecases.examination.regrading import Correction

router = APIRouter(prefix=f"{PREFIX}/questions", tags=["assessments"], responses=models.ERRORS)

_After = Annotated[str | None, Query(max_length=100, description="The `attemptId` of the last row.")]
_AT_ONCE = 5  # pieces before the answer; the worker does the rest

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["question", "reason"],
                    "additionalProperties": False,
                    "properties": {
                        "question": {
                            "type": "object",
                            "description": f"What is corrected: {', '.join(regrading.KEY)}.",
                        },
                        "reason": {"type": "string", "minLength": 1, "maxLength": regrading.MAX_REASON},
                        "dryRun": {"type": "boolean", "description": "Say what would change."},
                    },
                }
            }
        },
    }
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegradeChange(_Model):
    """What changes in one attempt; `points` is what its learner gains or loses."""

    attemptId: str
    testId: str
    userId: str
    oldScore: int | float | None
    newScore: int | float | None
    oldResult: str | None
    newResult: str | None
    points: int


class RegradeState(_Model):
    """A correction, how far it is, and the first attempts that it changes."""

    regradeId: str | None = Field(description="Null for a preview, of which nothing is kept.")
    questionId: str
    reason: str
    attempts: int = Field(description="Submitted attempts that were scored anew so far.")
    changed: int
    points: int
    finished: bool
    createdBy: str
    createdAt: str
    changes: list[RegradeChange]


@router.post(
    "/{question_id}/regrade", status_code=201, response_model=Envelope[RegradeState], openapi_extra=_BODY
)
async def regrade_question(
    request: Request, principal: AuthorKey, named: Named, question_id: str, body: AnyObject
) -> Json:
    """Correct a question's key after attempts. They are scored anew, and points that change are reversed and
    awarded; with `dryRun` the answer says what would change, points included."""
    question_id = known(question_id, "questionId", "question")
    read = Body(body, ("question", "reason", "dryRun"))
    key = read.fields.object("question")
    if key is None and body.get("question") is None:
        read.fields.fault("question", "is required: an object with what is corrected")
    reason = read.fields.text("reason", regrading.MAX_REASON, required=True) or ""
    dry_run = read.fields.flag("dryRun", False)
    read.done()
    wanted = Correction(question_id, {} if key is None else dict(key.data), reason)
    author = author_of(request, principal, named)
    services, organisation_id = services_of(request), principal.organisation_id
    desk = services.desk
    if dry_run:
        found, rows = await regrading.preview(
            desk.database, desk.configurations, organisation_id, wanted, author
        )
        return answer(request, _shown(found, rows, preview=True), 200)
    begun = await desk.act(
        organisation_id,
        lambda conn, configuration: regrading.begin(conn, configuration, desk.papers, wanted, author),
    )
    for _ in range(_AT_ONCE):
        if not await desk.act(
            organisation_id,
            lambda conn, configuration: regrading.go_on(conn, configuration, desk.papers, begun.regrade_id),
        ):
            break
    return answer(request, await _state(request, organisation_id, question_id, begun.regrade_id), 201)


@router.get("/{question_id}/regrades/{regrade_id}", response_model=Envelope[RegradeState])
async def show_regrade(
    request: Request,
    principal: StaffKey,
    _named: Named,
    question_id: str,
    regrade_id: str,
    after: Annotated[
        str | None, Query(max_length=100, description="The `attemptId` of the last row.")
    ] = None,
) -> Json:
    """How far a correction is, and what it changed."""
    question_id = known(question_id, "questionId", "question")
    regrade_id = known(regrade_id, "regradeId", "regrade")
    position = None if after is None else known(after, "after", "attempt")
    return answer(
        request, await _state(request, principal.organisation_id, question_id, regrade_id, position)
    )


async def _state(
    request: Request, organisation_id: str, question_id: str, regrade_id: str, after: str | None = None
) -> dict[str, Any]:
    async with services_of(request).database.connection() as conn:
        found = await regrades.find(conn, organisation_id, regrade_id)
        if found is None or found.question_id != question_id:
            raise NotFound("There is no such correction.", {"field": "regradeId"})
        rows = await regrades.changes(conn, organisation_id, regrade_id, after, regrading.PREVIEWED)
    return _shown(found, rows)


def _shown(found: Regrade, rows: list[dict[str, Any]], *, preview: bool = False) -> dict[str, Any]:
    return {
        "regradeId": None if preview else found.regrade_id,
        "questionId": found.question_id,
        "reason": found.reason,
        "attempts": found.seen,
        "changed": found.changed,
        "points": found.points,
        "finished": found.finished_at is not None,
        "createdBy": found.created_by,
        "createdAt": time(found.created_at),
        "changes": [
            {
                "attemptId": row["attempt_id"],
                "testId": row["test_id"],
                "userId": row["user_id"],
                "oldScore": _number(row["score_before"]),
                "newScore": _number(row["score_after"]),
                "oldResult": row["result_before"],
                "newResult": row["result_after"],
                "points": row["points"],
            }
            for row in rows
        ],
    }


def _number(value: Any) -> int | float | None:
    return None if value is None else number(value)
