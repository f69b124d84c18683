"""A question of any kind, as the rest of the room knows it: frozen, checked, in exact marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, get_args

# `dropdown` is a single choice that is drawn otherwise.
Kind = Literal[
    "mcq", "dropdown", "true_false", "multiple_answer", "fill_blank", "match", "subjective", "essay"
]
Level = Literal["easy", "medium", "hard"]
Status = Literal["draft", "published", "archived"]
# What it is asked for. Only the first two are scored; there is no wrong answer to the others.
GradingType = Literal["quiz", "assessment", "reflection.prompt", "feedback"]
TextFormat = Literal["plain", "html", "markdown", "moodle"]
Medium = Literal["image", "video", "audio", "document"]
Media = Mapping[str, str]  # one URL by medium

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
GRADING_TYPES: Final[tuple[GradingType, ...]] = get_args(GradingType)
TEXT_FORMATS: Final[tuple[TextFormat, ...]] = get_args(TextFormat)
MEDIA: Final[tuple[Medium, ...]] = get_args(Medium)

SINGLE_CHOICE: Final[tuple[Kind, ...]] = ("mcq", "dropdown", "true_false")
CHOICE: Final[tuple[Kind, ...]] = (*SINGLE_CHOICE, "multiple_answer")
PARTIAL: Final[tuple[Kind, ...]] = ("multiple_answer", "fill_blank", "match")
REVIEWED: Final[tuple[Kind, ...]] = ("subjective", "essay")
SCORED: Final[tuple[GradingType, ...]] = ("quiz", "assessment")

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Option:
    """A choice, an accepted word of a blank, or a pair to be matched.

    `marks` of a right option are its part of the question's marks; of a wrong one they are zero or below.
    A pair with an empty `text` is a target that belongs to nothing. A text's format holds for its feedback.
    """

    id: str
    text: str
    is_correct: bool = False
    marks: Decimal = ZERO
    blank_index: int | None = None  # from 0
    case_sensitive: bool = False
    match_with: str | None = None
    media: Media | None = None
    match_with_media: Media | None = None
    text_format: TextFormat = "plain"
    feedback: str | None = None

    def as_json(self, ordering: int) -> dict[str, Any]:
        """The option with its key, as authors see it and as it is stored."""
        return {
            "questionOptionId": self.id,
            "text": self.text,
            "textFormat": self.text_format,
            "media": _media(self.media),
            "matchWith": self.match_with,
            "matchWithMedia": _media(self.match_with_media),
            "ordering": ordering,
            "isCorrect": self.is_correct,
            "marks": number(self.marks),
            "blankIndex": self.blank_index,
            "caseSensitive": self.case_sensitive,
            "feedback": self.feedback,
        }


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of a rubric, worth up to `max_score` marks."""

    name: str
    max_score: Decimal
    description: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """What a written answer is held to, in characters and words, and what its reviewer goes by."""

    min_length: int | None = None
    max_length: int | None = None
    word_limit: int | None = None
    rubric: tuple[Criterion, ...] = ()
    grader_info: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields that say something, in the spelling of `params`."""
        rubric = {
            "criteria": [
                {"name": one.name, "maxScore": number(one.max_score), "description": one.description}
                for one in self.rubric
            ]
        }
        fields = {
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "wordLimit": self.word_limit,
            "rubric": rubric if self.rubric else None,
            "graderInfo": self.grader_info,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its key. `negative_marks` is what a wrong answer costs, 0 or more."""

    kind: Kind
    text: str
    marks: Decimal
    options: tuple[Option, ...] = ()
    id: str | None = None
    text_format: TextFormat = "plain"
    media: Media | None = None
    alias: str | None = None
    description: str | None = None
    category_id: str | None = None
    level: Level = "medium"
    status: Status = "draft"
    ideal_time: int | None = None  # seconds
    grading_type: GradingType = "quiz"
    allow_partial_scoring: bool = False
    negative_marks: Decimal = ZERO
    writing: Writing = Writing()
    feedback: str | None = None

    @property
    def is_scored(self) -> bool:
        """Whether an answer can be right or wrong at all."""
        return self.grading_type in SCORED

    @property
    def needs_review(self) -> bool:
        """Whether a person decides what an answer earns."""
        return self.kind in REVIEWED

    @property
    def lowest(self) -> Decimal:
        """The least that an answer may score, 0 or below."""
        if self.needs_review or not self.is_scored:
            return ZERO
        costs = [option.marks for option in self.options] if self.kind in SINGLE_CHOICE else []
        return min(-self.negative_marks, ZERO, *costs)

    @property
    def blanks(self) -> tuple[tuple[Option, ...], ...]:
        """The accepted words of each blank, in the order of the blanks."""
        if self.kind != "fill_blank":
            return ()
        count = 1 + max((option.blank_index or 0 for option in self.options), default=-1)
        return tuple(
            tuple(option for option in self.options if option.blank_index == index) for index in range(count)
        )

    @property
    def pairs(self) -> tuple[Option, ...]:
        """What a learner has to match, without the targets that belong to nothing."""
        return (
            tuple(option for option in self.options if option.text or option.media)
            if self.kind == "match"
            else ()
        )

    def as_json(self) -> dict[str, Any]:
        """The question with its key, as authors see it and as it is stored; `parse_question` reads it."""
        return {
            **self.head(),
            "description": self.description,
            "status": self.status,
            "categoryId": self.category_id,
            "negativeMarks": number(self.negative_marks),
            "params": self.writing.as_json() or None,
            "feedback": self.feedback,
            "options": [option.as_json(index) for index, option in enumerate(self.options)],
        }

    def head(self) -> dict[str, Any]:
        """What everybody may see: nothing here tells what is right."""
        return {
            "questionId": self.id,
            "text": self.text,
            "textFormat": self.text_format,
            "media": _media(self.media),
            "alias": self.alias,
            "type": self.kind,
            "level": self.level,
            "marks": number(self.marks),
            "idealTime": self.ideal_time,
            "gradingType": self.grading_type,
            "allowPartialScoring": self.allow_partial_scoring,
        }


def number(value: Decimal) -> int | float:
    """Marks as a JSON number: whole where they are whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def _media(media: Media | None) -> dict[str, str] | None:
    return dict(media) if media else None
