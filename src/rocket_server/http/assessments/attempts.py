"""Attempts: begun, answered, resumed, submitted, reviewed, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from rocket_server.assessments.authoring import store as tests
from rocket_server.errors import NotFound
from rocket_server.http.assessments import access, attempt_models, bodies, models, shown
from rocket_server.http.assessments.access import (
    AnyKey,
    Learner,
    Named,
    ReviewKey,
    StaffKey,
    TakeKey,
    author_of,
    known,
)
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer, time
from rocket_server.http.assessments.reading import Body
from rocket_server.http.auth import Principal
from rocket_server.http.edge.policies import Handler
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.submitting import admitted
from rocket_server.usecases.examination import looking, reviewing
from rocket_server.usecases.examination.beginning import Begin
from rocket_server.usecases.examination.reviewing import Judgement
from rocket_server.usecases.examination.saving import Save
from rocket_server.usecases.examination.submitting import Submit

router = APIRouter(prefix=f"{PREFIX}/attempts", tags=["assessments"], responses=models.ERRORS)

MAX_SECONDS = 86_400 * 31  # that one request may add to an attempt


@router.post("/start/{test_id}", status_code=201, response_model=Envelope[attempt_models.AttemptId])
async def start_attempt(request: Request, principal: TakeKey, learner: Learner, test_id: str) -> Json:
    """Begin an attempt of a test. Its questions and their order are decided now and stay."""
    test_id = known(test_id, "testId", "test")
    desk, credential = services_of(request).desk, principal.credential
    begin = desk.begin(principal.organisation_id, credential, Begin(test_id, learner))
    begun = await admitted(request, credential, begin)
    return answer(request, {"attemptId": begun.attempt_id}, 201)


@router.post(
    "/{attempt_id}/answers", status_code=201, response_model=models.Said, openapi_extra=bodies.ANSWERS
)
async def save_answers(
    request: Request, principal: TakeKey, learner: Learner, attempt_id: str, body: AnyObject
) -> Json:
    """Keep answers, one or many, as they are given; the last one to a question counts."""
    attempt_id = known(attempt_id, "attemptId", "attempt")
    read = Body(body, ("answers", "timeSpent"))
    spent = read.fields.whole("timeSpent", 0, MAX_SECONDS) or 0
    answers: dict[str, Any] = {}
    for one in read.items("answers"):
        one.refuse_unknown(("questionId", "answer"))
        question_id = one.text("questionId", 255, required=True) or ""
        if one.data.get("answer") is None:
            one.fault("answer", "is required: an object")
        answers.pop(question_id, None)
        answers[question_id] = one.data.get("answer")
    read.done()
    wanted = Save(
        attempt_id,
        learner,
        {known(question_id, "questionId", "question"): given for question_id, given in answers.items()},
        spent,
    )
    desk, credential = services_of(request).desk, principal.credential
    await admitted(request, credential, desk.save(principal.organisation_id, credential, wanted))
    said = "Answers submitted successfully" if answers else "No answers provided to submit"
    return answer(request, {"message": said}, 201)


@router.post("/{attempt_id}/submit", status_code=201, response_model=Envelope[attempt_models.Submitted])
async def submit_attempt(request: Request, principal: TakeKey, learner: Learner, attempt_id: str) -> Json:
    """Hand in an attempt, once: a second time is a 409 with the first result."""
    attempt_id = known(attempt_id, "attemptId", "attempt")
    desk, credential = services_of(request).desk, principal.credential
    submit = desk.submit(principal.organisation_id, credential, Submit(attempt_id, learner))
    done = await admitted(request, credential, submit)
    return answer(request, done.as_json(), 201)


@router.get("/{attempt_id}/questions/{user_id}", response_model=Envelope[list[attempt_models.OpenQuestion]])
async def show_attempt_questions(
    request: Request, principal: TakeKey, _named: Named, attempt_id: str, user_id: str
) -> Json:
    """The questions of a learner's attempt, in its own order; nothing tells what is right."""
    taken = await _taken(request, principal, attempt_id, user_id)
    return answer(request, shown.questions(principal, taken))


@router.get("/{attempt_id}/resume/{user_id}", response_model=Envelope[attempt_models.Resumed])
async def resume_attempt(
    request: Request, principal: TakeKey, _named: Named, attempt_id: str, user_id: str
) -> Json:
    """A learner's attempt and what was answered so far."""
    taken = await _taken(request, principal, attempt_id, user_id)
    return answer(request, shown.resumed(taken))


@router.get("/{attempt_id}/answersheet", response_model=Envelope[attempt_models.Sheet])
async def show_answer_sheet(request: Request, principal: AnyKey, named: Named, attempt_id: str) -> Json:
    """A submitted attempt, answer by answer. A learner sees as much as the test's settings allow; authors and
    reviewers see all of it."""
    attempt_id = known(attempt_id, "attemptId", "attempt")
    services = services_of(request)
    staff = access.is_staff(principal)
    learner = None if staff else access.required(named)
    async with services.database.connection() as conn:
        found = await looking.result(
            conn, principal.organisation_id, services.desk.papers, attempt_id, learner
        )
    shows = found.test is not None and found.test.definition.show_correct_answer
    return answer(request, shown.sheet(principal, found, with_key=staff or shows))


@router.get("/reviews/pending", response_model=Envelope[list[attempt_models.Waiting]])
async def list_pending_reviews(
    request: Request,
    principal: StaffKey,
    _named: Named,
    limit: Annotated[int, Query(ge=1, le=500, description="Rows of one page.")] = 500,
    after: Annotated[
        str | None, Query(max_length=100, description="The `attemptId` of the last row.")
    ] = None,
) -> Json:
    """Attempts that wait for a review, the oldest first."""
    position = None if after is None else known(after, "after", "attempt")
    async with services_of(request).database.connection() as conn:
        rows = await looking.waiting(conn, principal.organisation_id, position, limit)
    found = [
        {
            "attemptId": row["attempt_id"],
            "testId": row["test_id"],
            "userId": row["user_id"],
            "submittedAt": time(row["submitted_at"]),
            "reviewStatus": row["review"],
        }
        for row in rows
    ]
    return answer(request, found)


@router.post(
    "/{attempt_id}/review",
    status_code=201,
    response_model=Envelope[attempt_models.Reviewed],
    openapi_extra=bodies.REVIEW,
)
async def review_attempt(
    request: Request, principal: ReviewKey, named: Named, attempt_id: str, body: AnyObject
) -> Json:
    """Judge written answers of a submitted attempt, by the rubric, with words for the learner."""
    attempt_id = known(attempt_id, "attemptId", "attempt")
    judgement = _judgement(Body(body, ("answers", "overallRemarks")))
    return await _review(request, principal, named, attempt_id, judgement)


@router.post(
    "/review",
    status_code=201,
    response_model=Envelope[attempt_models.Reviewed],
    openapi_extra=bodies.REVIEW_OF_TEST,
)
async def review_last_attempt(request: Request, principal: ReviewKey, named: Named, body: AnyObject) -> Json:
    """Judge the attempt of a test that a learner submitted last."""
    read = Body(body, ("testId", "userId", "answers", "overallRemarks"))
    test_id, user_id = read.required("testId"), read.required("userId")
    judgement = _judgement(read)
    test_id, user_id = known(test_id, "testId", "test"), access.identity(user_id, "userId")
    async with services_of(request).database.connection() as conn:
        attempt_id = await reviewing.to_review(conn, principal.organisation_id, test_id, user_id)
    return await _review(request, principal, named, attempt_id, judgement)


@router.post(
    "/import/resultstatus",
    status_code=201,
    response_model=Envelope[attempt_models.ResultStatus],
    openapi_extra=bodies.RESULT_OF,
)
async def show_result_status(request: Request, principal: StaffKey, _named: Named, body: AnyObject) -> Json:
    """Whether a learner's result of a test is known."""
    read = Body(body, ("testId", "userId"))
    test_id, user_id = read.required("testId"), read.required("userId")
    read.done()
    test_id, user_id = known(test_id, "testId", "test"), access.identity(user_id, "userId")
    async with services_of(request).database.connection() as conn:
        if await tests.find_test(conn, principal.organisation_id, test_id) is None:
            raise NotFound("There is no such test.", {"field": "testId"})
        found = await looking.standing(conn, principal.organisation_id, test_id, user_id)
    shows = found.test.definition.answer_sheet
    return answer(request, {"isImported": found.graded is not None, "aswaresheet": shows}, 201)


def _judgement(read: Body) -> Judgement:
    answers = read.items("answers")
    for one in answers:
        one.refuse_unknown(("questionId", "score", "remarks", "criteria"))
    remarks = read.fields.text("overallRemarks", reviewing.MAX_REMARKS)
    read.done()
    return Judgement([one.data for one in answers], remarks)


async def _review(
    request: Request, principal: Principal, named: str | None, attempt_id: str, judgement: Judgement
) -> Json:
    desk = services_of(request).desk
    reviewer = author_of(request, principal, named)
    done = await desk.act(
        principal.organisation_id,
        lambda conn, configuration: reviewing.review(
            conn, configuration, desk.papers, attempt_id, judgement, reviewer
        ),
    )
    said = done.as_json()
    del said["totalMarks"]
    return answer(request, said, 201)


async def _taken(request: Request, principal: Principal, attempt_id: str, user_id: str) -> looking.Taken:
    attempt_id = known(attempt_id, "attemptId", "attempt")
    learner = access.identity(user_id, "userId")
    services = services_of(request)
    async with services.database.connection() as conn:
        return await looking.taken(conn, principal.organisation_id, services.desk.papers, attempt_id, learner)


# What a learner who takes a test asks again and again: where a POST goes without the framework's routing.
HOT: Final[dict[str, Handler]] = {
    f"{router.prefix}/start/{{test_id}}": access.at_once(start_attempt),
    f"{router.prefix}/{{attempt_id}}/answers": access.at_once(save_answers, reads_body=True),
    f"{router.prefix}/{{attempt_id}}/submit": access.at_once(submit_attempt),
}
