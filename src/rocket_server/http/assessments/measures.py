"""How the questions of a test did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.assessments.model import number
from rocket_server.assessments.statistics import report
from rocket_server.http.assessments import models
from rocket_server.http.assessments.access import Named, StaffKey, known
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import measuring

router = APIRouter(prefix=f"{PREFIX}/tests", tags=["assessments"], responses=models.ERRORS)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GivenAnswer(_Model):
    """How often an option was picked, a word written into a blank, or an item matched with a target. A null
    `text` stands for all rarer words."""

    count: int
    percent: float | None
    isCorrect: bool | None
    optionId: str | None = None
    text: str | None = None
    blankIndex: int | None = None
    matchWith: str | None = None


class MeasuredQuestion(_Model):
    """A question's figures beside the answers that were given to it."""

    questionId: str
    text: str
    type: str
    marks: int | float
    attempts: int
    answered: int
    correct: int
    facility: float | None = Field(description="The mean score in percent of the marks.")
    discrimination: float | None = Field(
        description="-100 to 100: whether those who did well in the rest did well here."
    )
    answers: list[GivenAnswer]
    noAnswer: int


class QuestionStatistics(_Model):
    """How a test's questions did, over the latest attempts whose result is known."""

    testId: str
    testTitle: str
    attempts: int
    questions: list[MeasuredQuestion]
    isCut: bool = Field(description="Whether there are more different answers than were counted.")


@router.get("/{test_id}/question-statistics", response_model=Envelope[QuestionStatistics])
async def show_question_statistics(
    request: Request, principal: StaffKey, _named: Named, test_id: str
) -> Json:
    """Each question's facility and discrimination beside the answers that learners gave."""
    test_id = known(test_id, "testId", "test")
    services = services_of(request)
    async with services.database.connection() as conn:
        found = await measuring.measure(conn, principal.organisation_id, services.desk.papers, test_id)
    result = {
        "testId": test_id,
        "testTitle": found.test.definition.title,
        "attempts": found.attempts,
        "questions": [_question(one) for one in found.questions],
        "isCut": found.is_cut,
    }
    return answer(request, result)


def _question(one: measuring.Measured) -> dict[str, Any]:
    question = one.question
    return {
        "text": question.text,
        "type": question.kind,
        "marks": number(question.marks),
        **report(question, one.sums, one.answers),
    }
