"""From JSON to a question: fields in the spelling of the API, every fault named by its path at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from rocket_server.assessments import keys
from rocket_server.assessments.fields import Fields
from rocket_server.assessments.model import (
    GRADING_TYPES,
    KINDS,
    LEVELS,
    REVIEWED,
    STATUSES,
    TEXT_FORMATS,
    ZERO,
    Criterion,
    Kind,
    Option,
    Question,
    Writing,
)
from rocket_server.conditions.reading import Problems
from rocket_server.errors import FieldError, InvalidPayload

MAX_TEXT: Final = 20_000  # characters of a question's text, and of any other long text
MAX_OPTION_TEXT: Final = 5_000
MAX_SHORT: Final = 255
MAX_OPTIONS: Final = 200
MAX_CRITERIA: Final = 50
MAX_BLANKS: Final = 100
MAX_MARKS: Final = Decimal(10_000)
MARKS_PLACES: Final = 2
# Parts of marks are kept as finely as Moodle keeps its fractions: 7 decimals, times marks of 2.
PART_PLACES: Final = 9
_MAX_SECONDS: Final = 86_400 * 365
_MAX_CHARACTERS: Final = 100_000

_FIELDS: Final = (
    "text", "textFormat", "type", "marks", "negativeMarks", "options", "media", "alias", "description",
    "categoryId", "level", "status", "idealTime", "gradingType", "allowPartialScoring", "params", "feedback",
)  # fmt: skip
# What only answers have, and what says where the question goes: read elsewhere or not at all.
_ELSEWHERE: Final = (
    "questionId", "tenantId", "organisationId", "ordering", "createdBy", "createdAt", "updatedBy",
    "updatedAt", "testId", "sectionId", "isCompulsory", "parentId",
)  # fmt: skip
_OPTION_FIELDS: Final = (
    "questionOptionId", "text", "textFormat", "media", "matchWith", "matchWithMedia", "isCorrect", "marks",
    "blankIndex", "caseSensitive", "feedback", "ordering", "position",
)  # fmt: skip
_OPTION_ELSEWHERE: Final = ("tenantId", "organisationId", "questionId", "createdAt", "hasChildQuestion")
_PARAMS: Final = (
    "minLength", "maxLength", "wordLimit", "rubric", "graderInfo", "caseSensitive", "allowPartialScoring",
    "allowAttachments",
)  # fmt: skip

NewId = Callable[[], str]


def parse_question(data: Any, *, question_id: str | None = None, new_id: NewId | None = None) -> Question:
    """The question in `data`, as the API takes it or as `Question.as_json` wrote it.

    Options without a `questionOptionId` get one from `new_id`, or their number. A draft may lack options;
    what is there must make sense. What is `published` must be complete. Raises InvalidPayload.
    """
    question, faults = read_question(data, question_id=question_id, new_id=new_id)
    if faults or question is None:
        raise InvalidPayload.from_fields(faults)
    return question


def read_question(
    data: Any, *, path: str = "", question_id: str | None = None, new_id: NewId | None = None
) -> tuple[Question | None, list[FieldError]]:
    """The question and what is wrong with it; without faults there is a question. `path` leads to it."""
    problems = Problems()
    if not isinstance(data, Mapping):
        problems.add(path, "must be a question: an object with text, type and marks")
        return None, problems.errors
    fields = Fields(data, path, problems)
    fields.refuse_unknown((*_FIELDS, *_ELSEWHERE))
    kind = fields.one_of("type", KINDS)
    if data.get("parentId") is not None:
        fields.fault("parentId", "must be absent or null: questions that follow from an option aren't kept")
    text = fields.text("text", MAX_TEXT, required=True)
    if kind is None or text is None:
        return None, problems.errors
    params = fields.object("params") or Fields({}, fields.at("params"), problems)
    params.refuse_unknown(_PARAMS)
    partial = fields.flag("allowPartialScoring", params.flag("allowPartialScoring", False))
    question = Question(
        kind=kind,
        text=text,
        marks=fields.decimal("marks", ZERO, MAX_MARKS, MARKS_PLACES) or ZERO,
        options=_options(fields, kind, params.flag("caseSensitive", False), new_id),
        id=question_id if question_id is not None else fields.identifier("questionId"),
        text_format=fields.one_of("textFormat", TEXT_FORMATS, "plain") or "plain",
        media=fields.media("media"),
        alias=fields.text("alias", MAX_SHORT),
        description=fields.text("description", MAX_TEXT),
        category_id=fields.identifier("categoryId"),
        level=fields.one_of("level", LEVELS, "medium") or "medium",
        status=fields.one_of("status", STATUSES, "draft") or "draft",
        ideal_time=fields.whole("idealTime", 0, _MAX_SECONDS),
        grading_type=fields.one_of("gradingType", GRADING_TYPES, "quiz") or "quiz",
        allow_partial_scoring=partial,
        negative_marks=fields.decimal("negativeMarks", ZERO, MAX_MARKS, PART_PLACES) or ZERO,
        writing=_writing(params, kind),
        feedback=fields.text("feedback", MAX_TEXT),
    )
    if not problems.errors:
        keys.check(question, fields)
        if question.status == "published":
            for fault in keys.missing(question):
                fields.fault(fault.path, fault.message)
    return (None if problems.errors else question), problems.errors


def _options(fields: Fields, kind: Kind, case_sensitive: bool, new_id: NewId | None) -> tuple[Option, ...]:
    found: list[Option] = []
    seen: set[str] = set()
    entries = fields.objects("options", MAX_OPTIONS)
    given = [entry.data.get("ordering", entry.data.get("position")) for entry in entries]
    if all(isinstance(place, int) for place in given) and len(set(given)) == len(given):
        entries = [entry for _, entry in sorted(zip(given, entries, strict=True), key=lambda pair: pair[0])]
    for index, entry in enumerate(entries):
        entry.refuse_unknown((*_OPTION_FIELDS, *_OPTION_ELSEWHERE))
        named = entry.identifier("questionOptionId") or (new_id() if new_id else str(index + 1))
        if named in seen:
            entry.fault("questionOptionId", "must be different for each option")
        seen.add(named)
        media = entry.media("media")
        # An extra target of a matching question has no text, and neither has an option that is a picture.
        bare = kind == "match" or media is not None
        text = entry.text("text", MAX_OPTION_TEXT, required=not bare) or ""
        found.append(
            Option(
                id=named,
                text=text,
                is_correct=entry.flag("isCorrect", _right_by_default(kind, bool(text or media))),
                marks=entry.decimal("marks", -MAX_MARKS, MAX_MARKS, PART_PLACES) or ZERO,
                blank_index=entry.whole("blankIndex", 0, MAX_BLANKS - 1),
                case_sensitive=entry.flag("caseSensitive", case_sensitive),
                match_with=entry.text("matchWith", MAX_OPTION_TEXT),
                media=media,
                match_with_media=entry.media("matchWithMedia"),
                text_format=entry.one_of("textFormat", TEXT_FORMATS, "plain") or "plain",
                feedback=entry.text("feedback", MAX_TEXT),
            )
        )
    return tuple(found)


def _right_by_default(kind: Kind, has_text: bool) -> bool:
    return kind == "fill_blank" or (kind == "match" and has_text)


def _writing(params: Fields, kind: Kind) -> Writing:
    if params.flag("allowAttachments", False):
        params.fault("allowAttachments", "must be false: answers are text")
    least = params.whole("minLength", 0, _MAX_CHARACTERS)
    most = params.whole("maxLength", 1, _MAX_CHARACTERS)
    if least is not None and most is not None and least > most:
        params.fault("minLength", f"must be at most maxLength, which is {most}")
    rubric: list[Criterion] = []
    lines = params.object("rubric")
    if lines is not None:
        lines.refuse_unknown(("criteria",))
        for line in lines.objects("criteria", MAX_CRITERIA):
            line.refuse_unknown(("name", "maxScore", "description"))
            name = line.text("name", MAX_SHORT, required=True)
            score = line.decimal("maxScore", ZERO, MAX_MARKS, MARKS_PLACES)
            if score is None and line.data.get("maxScore") is None:
                line.fault("maxScore", "is required")
            if name is not None and any(name == one.name for one in rubric):
                line.fault("name", "must be different for each criterion")
            about = line.text("description", MAX_OPTION_TEXT) or ""
            rubric.append(Criterion(name or "", score or ZERO, about))
    if rubric and kind not in REVIEWED:
        params.fault("rubric", f"must be absent: answers to {kind} are scored without a person")
    return Writing(
        least, most, params.whole("wordLimit", 1, _MAX_CHARACTERS), tuple(rubric),
        params.text("graderInfo", MAX_TEXT),
    )  # fmt: skip
