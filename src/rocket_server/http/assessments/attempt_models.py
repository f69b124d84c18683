"""What the routes of attempts answer: to learners who take a test, and to those who review."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rocket_server.http.assessments.models import Model, Number, Target


class AttemptId(Model):
    """The attempt that a learner takes now."""

    attemptId: str


class Submitted(Model):
    """What an attempt came to."""

    attemptId: str
    score: Number | None
    reviewStatus: str = Field(description="P pending, U under review, R reviewed or nothing to review.")
    result: str | None = Field(description="P pass, F fail, null until everything is scored.")
    totalMarks: Number


class Reviewed(Model):
    """What an attempt comes to after a review."""

    attemptId: str
    score: Number | None
    result: str | None
    reviewStatus: str


class GradedAttempt(Model):
    """The attempt that counts."""

    attemptId: str
    status: str
    score: Number | None
    result: str | None
    submittedAt: str


class LastAttempt(Model):
    """The attempt that can be resumed."""

    attemptId: str
    status: str
    resumeAllowed: bool


class Standing(Model):
    """How a learner stands with a test."""

    testId: str
    totalAttemptsAllowed: int
    attemptsMade: int
    canAttempt: bool = Field(description="Whether attempts are left.")
    canResume: bool
    attemptGrading: str
    gradedAttempt: GradedAttempt | None
    lastAttempt: LastAttempt | None
    showCorrectAnswers: bool
    canStart: bool = Field(description="Whether an attempt can be begun now.")
    reason: str | None = Field(description="The code of why none can be begun now.")


class OpenOption(Model):
    """An option as a learner sees it."""

    questionOptionId: str
    text: str
    textFormat: str
    media: dict[str, str] | None
    ordering: int


class OpenQuestion(Model):
    """A question as a learner sees it: nothing tells what is right."""

    questionId: str
    tenantId: str
    organisationId: str
    ordering: int
    sectionId: str | None
    isCompulsory: bool
    text: str
    textFormat: str
    media: dict[str, str] | None
    alias: str | None
    description: str | None
    categoryId: str | None
    type: str
    level: str
    marks: Number
    status: str
    idealTime: int | None
    gradingType: str
    allowPartialScoring: bool
    params: dict[str, Any] | None
    parentId: None
    options: list[OpenOption]
    matchWithOptions: list[Target] | None = None
    blankCount: int | None = None


class ResumedAttempt(Model):
    """An attempt that goes on."""

    attemptId: str
    testId: str
    userId: str
    attempt: int
    startedAt: str
    currentPosition: int | None
    timeSpent: int | None
    status: str
    expiresAt: str | None


class Given(Model):
    """An answer as it was given."""

    questionId: str
    answer: dict[str, Any]


class Resumed(Model):
    """An attempt and its answers."""

    attempt: ResumedAttempt
    answers: list[Given]


class SheetAttempt(Model):
    """A submitted attempt."""

    attemptId: str
    testId: str
    resolvedTestId: None
    tenantId: str
    organisationId: str
    userId: str
    attempt: int
    startedAt: str
    submittedAt: str | None
    status: str
    reviewStatus: str | None
    score: Number | None
    submissionType: str = Field(description="`self`, or `auto` where the time was over.")
    result: str | None
    currentPosition: int | None
    timeSpent: int | None
    updatedBy: str | None
    totalMarks: Number
    remarks: str | None


class SheetAnswer(Model):
    """An answer and what it earned."""

    questionId: str
    userAnswer: dict[str, Any]
    score: Number | None
    isCorrect: bool | None
    remarks: str | None
    criteria: list[dict[str, Any]] | None
    correctAnswer: dict[str, Any] | None = None
    feedback: str | None = None


class Sheet(Model):
    """An answer sheet."""

    attempt: SheetAttempt
    answers: list[SheetAnswer]


class Waiting(Model):
    """An attempt that waits for a review."""

    attemptId: str
    testId: str
    userId: str
    submittedAt: str
    reviewStatus: str


class ResultStatus(Model):
    """Whether a learner's result is known, and whether the test shows answer sheets."""

    isImported: bool
    aswaresheet: bool
