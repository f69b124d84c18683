"""The bank of questions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from rocket_server.assessments.bank import store
from rocket_server.assessments.bank.store import Wanted
from rocket_server.assessments.model import Kind, Level, Status
from rocket_server.assessments.papers import Entry
from rocket_server.assessments.rules import parse_criteria
from rocket_server.assessments.selection import metadata
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.http.assessments import bodies, models, shown
from rocket_server.http.assessments.access import AuthorKey, Named, StaffKey, author_of, known
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer, time
from rocket_server.http.assessments.reading import Body
from rocket_server.http.assessments.tests import DEFAULT_LIMIT, Limit, Offset, Search
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import banking

router = APIRouter(prefix=f"{PREFIX}/questions", tags=["assessments"], responses=models.ERRORS)


@router.post("", status_code=201, response_model=Envelope[models.Question], openapi_extra=bodies.QUESTION)
async def create_question(request: Request, principal: AuthorKey, named: Named, body: AnyObject) -> Json:
    """Make a question and, with `testId` and `sectionId`, put it into a test."""
    author = author_of(request, principal, named)
    for name, what in (("testId", "test"), ("sectionId", "section")):
        if isinstance(body.get(name), str) and body[name]:
            body = {**body, name: known(body[name], name, what)}
    kept = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: banking.create(conn, configuration, body, author),
    )
    return answer(request, shown.question(principal, kept), 201)


@router.get("", response_model=Envelope[models.Questions])
async def list_questions(
    request: Request,
    principal: StaffKey,
    _named: Named,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    type: Kind | None = None,
    level: Level | None = None,
    status: Status | None = None,
    category_id: Annotated[str | None, Query(alias="categoryId", max_length=255)] = None,
    search: Search = None,
) -> Json:
    """Questions with their keys, the latest first."""
    wanted = Wanted(
        status,
        None if type is None else [type],
        None if level is None else [level],
        None if category_id is None else [category_id],
        search,
    )
    async with services_of(request).database.connection() as conn:
        rows = await store.page(conn, principal.organisation_id, wanted, limit, offset)
        total = await store.count(conn, principal.organisation_id, wanted)
    found = [shown.question(principal, one) for one in rows]
    return answer(request, shown.page("content", found, total, limit, offset))


@router.post(
    "/rule-preview",
    status_code=201,
    response_model=Envelope[models.Matching],
    openapi_extra=bodies.CRITERIA,
)
async def preview_criteria(request: Request, principal: AuthorKey, _named: Named, body: AnyObject) -> Json:
    """The published questions that meet criteria, as a rule would find them."""
    criteria = parse_criteria(body)
    async with services_of(request).database.connection() as conn:
        found = await banking.matching(conn, principal.organisation_id, criteria)
    result = {
        "questions": [shown.question(principal, kept) for kept in found],
        "metadata": metadata([Entry(kept.question).as_candidate() for kept in found]),
    }
    return answer(request, result, 201)


@router.post(
    "/associate-option", status_code=201, response_model=models.Said, openapi_extra=bodies.ASSOCIATION
)
async def associate_option(request: Request, principal: AuthorKey, _named: Named, body: AnyObject) -> Json:
    """Let a question follow from an option. No question here has a parent, so this is always refused."""
    read = Body(body, ("questionId", "optionId"))
    question_id = read.required("questionId")
    read.required("optionId")
    read.done()
    await _show(request, principal.organisation_id, known(question_id, "questionId", "question"))
    raise InvalidPayload.field("questionId", "must have a parentId to be associated with an option")


@router.get("/{question_id}", response_model=Envelope[models.Question])
async def show_question(request: Request, principal: StaffKey, _named: Named, question_id: str) -> Json:
    """A question with its key."""
    question_id = known(question_id, "questionId", "question")
    kept = await _show(request, principal.organisation_id, question_id)
    return answer(request, shown.question(principal, kept))


@router.patch(
    "/{question_id}", response_model=Envelope[models.Question], openapi_extra=bodies.QUESTION_CHANGE
)
async def change_question(
    request: Request, principal: AuthorKey, named: Named, question_id: str, body: AnyObject
) -> Json:
    """Change a question; what isn't sent stays. What is published keeps it as it was; a wrong key is
    corrected by `POST …/regrade`."""
    question_id = known(question_id, "questionId", "question")
    author = author_of(request, principal, named)
    kept = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: banking.update(conn, configuration, question_id, body, author),
    )
    return answer(request, shown.question(principal, kept))


@router.delete("/{question_id}", response_model=models.Said)
async def delete_question(request: Request, principal: AuthorKey, named: Named, question_id: str) -> Json:
    """Archive a question: rules choose it no more, and tests that have it keep it."""
    question_id = known(question_id, "questionId", "question")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: banking.archive(conn, configuration, question_id, author),
    )
    return answer(request, {"message": "Question deleted successfully"})


@router.get("/{question_id}/child-questions", response_model=Envelope[models.Children])
async def list_children(request: Request, principal: StaffKey, _named: Named, question_id: str) -> Json:
    """Questions that follow from an option of this one: there are none."""
    await _show(request, principal.organisation_id, known(question_id, "questionId", "question"))
    result = {
        "success": True,
        "message": "Child questions retrieved successfully",
        "data": [],
        "timestamp": time(datetime.now(UTC)),
    }
    return answer(request, result)


async def _show(request: Request, organisation_id: str, question_id: str) -> store.Kept:
    async with services_of(request).database.connection() as conn:
        found = await store.find(conn, organisation_id, [question_id])
    if question_id not in found:
        raise NotFound("There is no such question.", {"field": "questionId"})
    return found[question_id]
