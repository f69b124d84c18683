"""What the routes of authors answer, for the API's document and for the tests of every answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rocket_server.http.assessments.envelope import Envelope, Message, Refused

Number = int | float


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Made(Model):
    createdBy: str
    createdAt: str
    updatedBy: str | None
    updatedAt: str


class Option(Model):
    """A choice, an accepted word of a blank, or a pair to be matched, with its key."""

    questionOptionId: str
    tenantId: str
    organisationId: str
    questionId: str
    text: str
    textFormat: str
    media: dict[str, str] | None
    matchWith: str | None
    matchWithMedia: dict[str, str] | None
    ordering: int
    isCorrect: bool
    marks: Number
    blankIndex: int | None
    caseSensitive: bool
    feedback: str | None
    createdAt: str


class Question(_Made):
    """A question of the bank, with its key."""

    questionId: str
    tenantId: str
    organisationId: str
    ordering: int
    text: str
    textFormat: str
    media: dict[str, str] | None
    alias: str | None
    description: str | None
    categoryId: str | None
    type: str
    level: str
    marks: Number
    negativeMarks: Number
    status: str
    idealTime: int | None
    gradingType: str
    allowPartialScoring: bool
    params: dict[str, Any] | None
    feedback: str | None
    parentId: None
    options: list[Option]


class Link(Model):
    """A question's place in a test."""

    testQuestionId: str
    testId: str
    questionId: str
    ordering: int
    sectionId: str
    ruleId: str | None
    isCompulsory: bool


class OutlinedOption(Model):
    """An option within a test; its key is there only for authors and reviewers."""

    questionOptionId: str
    text: str
    textFormat: str
    media: dict[str, str] | None
    ordering: int
    createdAt: str
    hasChildQuestion: bool
    matchWith: str | None = None
    matchWithMedia: dict[str, str] | None = None
    isCorrect: bool | None = None
    marks: Number | None = None
    blankIndex: int | None = None
    caseSensitive: bool | None = None
    feedback: str | None = None


class Target(Model):
    """What an option may be matched with."""

    matchWith: str
    matchWithMedia: dict[str, str] | None
    ordering: int | None = None


class OutlinedQuestion(Link):
    """A question within a test."""

    tenantId: str
    organisationId: str
    createdAt: str
    updatedAt: str
    isConditional: bool
    text: str
    description: str | None
    type: str
    marks: Number
    params: dict[str, Any] | None
    status: str
    options: list[OutlinedOption]
    matchWithOptions: list[Target] | None = None


class Section(_Made):
    """A section of a test."""

    sectionId: str
    tenantId: str
    organisationId: str
    title: str
    description: str | None
    testId: str
    ordering: int
    status: str
    minQuestions: int | None
    maxQuestions: int | None


class SectionWithPlaces(Section):
    """A section and the places of its questions."""

    questions: list[Link]


class SectionWithQuestions(Section):
    """A section and its questions."""

    questions: list[OutlinedQuestion]


class Test(_Made):
    """A test as its author set it."""

    testId: str
    parentId: str | None
    type: str
    tenantId: str
    organisationId: str
    ordering: int
    attempts: int
    attemptsGrading: str
    status: str
    title: str
    alias: str | None
    description: str | None
    reviewers: str | None
    showTime: bool
    timeDuration: int | None = Field(description="Minutes from the start; null without a limit.")
    showTimeFinished: bool
    timeFinishedDuration: int | None
    totalMarks: Number
    passingMarks: Number
    image: str | None
    startDate: str | None
    endDate: str | None
    answerSheet: bool
    showCorrectAnswer: bool
    printAnswersheet: bool
    questionsShuffle: bool
    answersShuffle: bool
    gradingType: str
    isObjective: bool
    showThankyouPage: bool
    showAllQuestions: bool
    paginationLimit: int | None
    showQuestionsOverview: bool
    allowResubmission: bool
    checkedOut: str | None
    checkedOutTime: None
    contextType: str | None
    contextId: str | None


class TestWithPlaces(Test):
    """A test, its sections, and the places of its questions."""

    sections: list[Section]
    questions: list[Link]


class TestWithQuestions(Test):
    """A test, section by section."""

    sections: list[SectionWithQuestions]


class Page(Model):
    """A page of a list."""

    totalElements: int
    totalPages: int
    currentPage: int
    size: int


class Tests(Page):
    """A page of tests."""

    content: list[Test]


class Questions(Page):
    """A page of questions."""

    content: list[Question]


class TestId(Model):
    """The test that was made or changed."""

    testId: str


class Published(TestId):
    """A test and where it stands now."""

    status: str


class SectionId(Model):
    """The section that was made or changed."""

    sectionId: str


class RuleId(Model):
    """The rule that was made or changed."""

    ruleId: str


class Cloned(Model):
    """The draft that was made of a test."""

    message: str
    clonedTestId: str


class AddedCounts(Model):
    """How many questions were added, how many stood there before, and which nobody knows."""

    added: int
    skipped: int
    errors: list[str]


class Added(Model):
    """What became of questions that were to be put into a test."""

    message: str
    result: AddedCounts


class Rule(_Made):
    """A rule that chooses questions."""

    ruleId: str
    tenantId: str
    organisationId: str
    name: str
    description: str | None
    ruleType: str
    testId: str
    sectionId: str
    numberOfQuestions: int
    poolSize: int
    minMarks: Number | None
    maxMarks: Number | None
    selectionStrategy: str
    criteria: dict[str, list[Any]]
    selectionMode: str
    isActive: bool
    priority: int


class Spread(Model):
    """How questions are spread."""

    totalQuestions: int
    totalMarks: Number
    marksDistribution: dict[str, int]
    averageMarks: Number
    questionTypes: dict[str, int]
    difficultyLevels: dict[str, int]
    categories: dict[str, int]


class Matching(Model):
    """Questions that meet criteria."""

    questions: list[Question]
    metadata: Spread


class ChosenByRule(Model):
    """What one rule finds, and why it lacks something."""

    ruleId: str
    name: str
    numberOfQuestions: int
    matching: int
    chosen: int
    lacking: int
    reason: str | None
    questionIds: list[str]


class RulePreview(Model):
    """Whether the bank suffices for a rule."""

    sufficient: bool
    rules: list[ChosenByRule]
    metadata: Spread


class Children(Model):
    """Questions that follow from an option: there are none."""

    success: bool
    message: str
    data: list[Any]
    timestamp: str


def _refused(description: str) -> dict[str, Any]:
    return {"description": description, "model": Refused}


ERRORS: dict[int | str, dict[str, Any]] = {
    400: _refused("A field can't be understood; `params.details` names it."),
    401: _refused("No valid key."),
    403: _refused("The key lacks the role, or it is another organisation's."),
    404: _refused("Nothing of that id."),
    405: _refused("Not this method."),
    409: _refused("It can't be done now; `params.err` says why not."),
    413: _refused("The body is too large."),
    415: _refused("The body's format or encoding is not read."),
    422: _refused("The test can't be published; `params.details.errors` names all that is missing."),
    429: _refused("Too many requests; see `Retry-After`."),
    503: _refused("The database is not available now; see `Retry-After`."),
    "default": _refused("Any other error."),
}

Said = Envelope[Message]
