"""What an author sets of a test, of its sections and of its rules: read from JSON, every fault named at
once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast, get_args

from rocket_server.assessments.fields import Fields, is_web_address
from rocket_server.assessments.grading import METHODS, Method
from rocket_server.assessments.model import GRADING_TYPES, GradingType, number
from rocket_server.conditions.reading import Problems
from rocket_server.errors import InvalidPayload

TestType = Literal["plain", "rule_based", "generated"]
TestStatus = Literal["draft", "published", "unpublished", "archived"]
SectionStatus = Literal["active", "inactive", "archived"]

TEST_TYPES: Final[tuple[TestType, ...]] = get_args(TestType)
TEST_STATUSES: Final[tuple[TestStatus, ...]] = get_args(TestStatus)
SECTION_STATUSES: Final[tuple[SectionStatus, ...]] = get_args(SectionStatus)

MAX_TITLE: Final = 255
MAX_ATTEMPTS: Final = 10_000
MAX_MINUTES: Final = 60 * 24 * 366
_MAX_TEXT: Final = 20_000
_MAX_MARKS: Final = Decimal(1_000_000)
_MAX_ORDERING: Final = 1_000_000
_TIMES: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))

# What only says how a page draws the test: kept and shown.
_FLAGS: Final = {
    "showTime": False,
    "showTimeFinished": False,
    "printAnswersheet": True,
    "showThankyouPage": True,
    "showAllQuestions": True,
    "showQuestionsOverview": True,
}
_TEXTS: Final = ("parentId", "alias", "description", "reviewers", "checkedOut", "contextType", "contextId")
_WHOLE: Final = ("ordering", "timeFinishedDuration", "paginationLimit")
# Answered, but never set by an author.
_IGNORED: Final = ("isObjective", "checkedOutTime", "testId", "tenantId", "organisationId")


@dataclass(frozen=True, slots=True)
class Definition:
    """A test as its author set it. Times are aware; `time_limit_min` is in minutes, None without a limit.

    `shown` is what only says how a page draws the test, in the spelling of the API.
    """

    title: str
    type: TestType
    grading_type: GradingType
    attempts: int = 1
    attempts_grading: Method = "last_attempt"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_limit_min: int | None = None
    total_marks: Decimal = Decimal(0)
    passing_marks: Decimal = Decimal(0)
    answer_sheet: bool = True
    show_correct_answer: bool = True
    questions_shuffle: bool = True
    answers_shuffle: bool = True
    allow_resubmission: bool = False
    shown: Mapping[str, Any] = field(default_factory=dict)

    def sets(self) -> dict[str, Any]:
        """What isn't only for pages, in the spelling of the API, times as times."""
        return {theirs: getattr(self, ours) for theirs, ours in SPELLINGS.items()}

    def as_json(self) -> dict[str, Any]:
        """What isn't kept in columns of its own, in the spelling of the API."""
        return {
            **self.shown,
            "attemptsGrading": self.attempts_grading,
            "gradingType": self.grading_type,
            "timeDuration": self.time_limit_min,
            "totalMarks": number(self.total_marks),
            "passingMarks": number(self.passing_marks),
            "answerSheet": self.answer_sheet,
            "showCorrectAnswer": self.show_correct_answer,
            "questionsShuffle": self.questions_shuffle,
            "answersShuffle": self.answers_shuffle,
            "allowResubmission": self.allow_resubmission,
        }


SPELLINGS: Final = {
    "title": "title",
    "type": "type",
    "gradingType": "grading_type",
    "attempts": "attempts",
    "attemptsGrading": "attempts_grading",
    "startDate": "starts_at",
    "endDate": "ends_at",
    "timeDuration": "time_limit_min",
    "totalMarks": "total_marks",
    "passingMarks": "passing_marks",
    "answerSheet": "answer_sheet",
    "showCorrectAnswer": "show_correct_answer",
    "questionsShuffle": "questions_shuffle",
    "answersShuffle": "answers_shuffle",
    "allowResubmission": "allow_resubmission",
}
_KNOWN: Final = (*SPELLINGS, "image", *_FLAGS, *_TEXTS, *_WHOLE, "status", *_IGNORED)


def read_test(data: Any, before: Definition | None = None) -> tuple[Definition, TestStatus | None]:
    """A new test, or `before` with what `data` changes; and the status that is asked for, if any.

    What isn't sent stays as it is; null stands for the default. Raises InvalidPayload.
    """
    fields = _object(data)
    fields.refuse_unknown(_KNOWN)
    status = fields.one_of("status", TEST_STATUSES) if data.get("status") is not None else None
    sent: dict[str, Any] = {}
    for theirs, ours in SPELLINGS.items():
        if theirs in data or (before is None and ours in ("title", "type", "grading_type")):
            sent[ours] = _READERS[ours](fields, theirs)
    if {"starts_at", "ends_at"} & sent.keys():
        starts = sent.get("starts_at", before.starts_at if before else None)
        ends = sent.get("ends_at", before.ends_at if before else None)
        if starts is not None and ends is not None and starts >= ends:
            fields.fault("startDate", "must be before endDate")
            fields.fault("endDate", "must be after startDate")
    shown = _shown(fields, before.shown if before else {})
    _finish(fields)
    changes: dict[str, Any] = {
        name: _default(name) if value is None else value for name, value in sent.items()
    }
    if before is None:
        return Definition(**changes, shown=shown), status
    return replace(before, **changes, shown=shown), status


def stored_test(row: Mapping[str, Any]) -> Definition:
    """The definition in a row of the table."""
    settings: Mapping[str, Any] = row["settings"]
    return Definition(
        title=row["title"],
        type=row["type"],
        grading_type=settings["gradingType"],
        attempts=row["attempts"],
        attempts_grading=settings["attemptsGrading"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        time_limit_min=settings["timeDuration"],
        total_marks=Decimal(str(settings["totalMarks"])),
        passing_marks=Decimal(str(settings["passingMarks"])),
        answer_sheet=settings["answerSheet"],
        show_correct_answer=settings["showCorrectAnswer"],
        questions_shuffle=settings["questionsShuffle"],
        answers_shuffle=settings["answersShuffle"],
        allow_resubmission=settings["allowResubmission"],
        shown={name: value for name, value in settings.items() if name not in SPELLINGS},
    )


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a test. The range of questions is for authors; rules say how many are asked."""

    title: str
    description: str | None = None
    ordering: int = 0
    status: SectionStatus = "active"
    min_questions: int | None = None
    max_questions: int | None = None


def read_section(data: Any, before: Section | None = None) -> Section:
    """A new section, or `before` with what `data` changes. Raises InvalidPayload."""
    fields = _object(data)
    fields.refuse_unknown(
        ("title", "description", "testId", "ordering", "status", "minQuestions", "maxQuestions")
    )
    base = before or Section("")
    given = fields.data

    def sent(name: str) -> bool:
        return name in given

    title = fields.text("title", MAX_TITLE, required=True) if before is None or sent("title") else base.title
    least = fields.whole("minQuestions", 0, 10_000) if sent("minQuestions") else base.min_questions
    most = fields.whole("maxQuestions", 0, 10_000) if sent("maxQuestions") else base.max_questions
    if least is not None and most is not None and least > most:
        fields.fault("minQuestions", f"must be at most maxQuestions, which is {most}")
    section = Section(
        title or "",
        fields.text("description", _MAX_TEXT) if sent("description") else base.description,
        (fields.whole("ordering", 0, _MAX_ORDERING) or 0) if sent("ordering") else base.ordering,
        cast(SectionStatus, fields.one_of("status", SECTION_STATUSES, base.status)),
        least,
        most,
    )
    _finish(fields)
    return section


def _object(data: Any) -> Fields:
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "must be a JSON object")
    return Fields(data, "", Problems())


def _finish(fields: Fields) -> None:
    if fields.problems.errors:
        raise InvalidPayload.from_fields(fields.problems.errors)


def _default(name: str) -> Any:
    return next(one.default for one in fields_of(Definition) if one.name == name)


def _shown(fields: Fields, before: Mapping[str, Any]) -> dict[str, Any]:
    """What only pages use: as it was before, with what was sent."""
    shown: dict[str, Any] = {
        **dict.fromkeys(_TEXTS),
        **_FLAGS,
        "ordering": 0,
        "timeFinishedDuration": None,
        "paginationLimit": None,
        "image": None,
        **before,
    }
    for name in fields.data:
        if name in _FLAGS:
            shown[name] = fields.flag(name, _FLAGS[name])
        elif name in _TEXTS:
            shown[name] = fields.text(name, _MAX_TEXT if name == "description" else MAX_TITLE)
        elif name in _WHOLE:
            value = fields.whole(name, 0, _MAX_ORDERING)
            shown[name] = 0 if name == "ordering" and value is None else value
        elif name == "image":
            shown[name] = image = fields.text(name, 2_000)
            if image is not None and not is_web_address(image):
                fields.fault(name, "must be a URL that begins with https:// or http://")
    return shown


def _time(fields: Fields, name: str) -> datetime | None:
    text = fields.text(name, 40)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not _TIMES[0] <= found < _TIMES[1]:
        fields.fault(name, 'must be RFC 3339 with an offset, such as "2026-01-31T10:15:00Z"')
        return None
    return found.astimezone(UTC)


_READERS: Final[Mapping[str, Callable[[Fields, str], Any]]] = {
    "title": lambda fields, name: fields.text(name, MAX_TITLE, required=True),
    "type": lambda fields, name: fields.one_of(name, TEST_TYPES),
    "grading_type": lambda fields, name: fields.one_of(name, GRADING_TYPES),
    "attempts": lambda fields, name: fields.whole(name, 1, MAX_ATTEMPTS),
    "attempts_grading": lambda fields, name: fields.one_of(name, METHODS, "last_attempt"),
    "starts_at": _time,
    "ends_at": _time,
    "time_limit_min": lambda fields, name: fields.whole(name, 1, MAX_MINUTES),
    "total_marks": lambda fields, name: fields.decimal(name, Decimal(0), _MAX_MARKS, 2),
    "passing_marks": lambda fields, name: fields.decimal(name, Decimal(0), _MAX_MARKS, 2),
    "answer_sheet": lambda fields, name: fields.flag(name, True),
    "show_correct_answer": lambda fields, name: fields.flag(name, True),
    "questions_shuffle": lambda fields, name: fields.flag(name, True),
    "answers_shuffle": lambda fields, name: fields.flag(name, True),
    "allow_resubmission": lambda fields, name: fields.flag(name, False),
}
