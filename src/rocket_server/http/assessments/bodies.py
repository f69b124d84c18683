"""Descriptions, in OpenAPI's terms, of the bodies that these routes take."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Body

from rocket_server.assessments.definition import SECTION_STATUSES, TEST_STATUSES, TEST_TYPES
from rocket_server.assessments.grading import METHODS
from rocket_server.assessments.model import GRADING_TYPES, KINDS, LEVELS, STATUSES
from rocket_server.assessments.rules import MODES, RULE_TYPES, STRATEGIES

# Read by the room itself, which names every fault at once.
AnyObject = Annotated[dict[str, Any], Body()]

_TEXT: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_WHOLE: Final = {"type": ["integer", "null"], "minimum": 0}
_MARKS: Final = {"type": "number", "minimum": 0}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_ID: Final = {"type": "string", "format": "uuid"}


def _one_of(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_TEST: Final[dict[str, Any]] = {
    "title": {"type": "string", "minLength": 1, "maxLength": 255},
    "type": _one_of(TEST_TYPES),
    "gradingType": _one_of(GRADING_TYPES),
    "status": _one_of(TEST_STATUSES),
    "attempts": {"type": "integer", "minimum": 1},
    "attemptsGrading": _one_of(METHODS),
    "startDate": _TIME,
    "endDate": _TIME,
    "timeDuration": {"type": ["integer", "null"], "minimum": 1, "description": "Minutes."},
    "totalMarks": _MARKS,
    "passingMarks": _MARKS,
    **dict.fromkeys(
        (
            "answerSheet", "showCorrectAnswer", "printAnswersheet", "questionsShuffle", "answersShuffle",
            "allowResubmission", "showTime", "showTimeFinished", "showThankyouPage", "showAllQuestions",
            "showQuestionsOverview",
        ),
        _FLAG,
    ),
    **dict.fromkeys(
        ("description", "alias", "reviewers", "image", "parentId", "checkedOut", "contextType", "contextId"),
        _TEXT,
    ),
    **dict.fromkeys(("ordering", "timeFinishedDuration", "paginationLimit"), _WHOLE),
}  # fmt: skip
TEST: Final = _body(_TEST, "title", "type", "gradingType")
TEST_CHANGE: Final = _body(_TEST)
TEST_SEARCH: Final = _body(
    {
        "limit": {"type": "integer", "minimum": 1, "maximum": 500},
        "offset": {"type": "integer", "minimum": 0},
        "status": _one_of(TEST_STATUSES),
        "type": _one_of(TEST_TYPES),
        "search": {"type": "string", "maxLength": 255},
    }
)

_SECTION: Final[dict[str, Any]] = {
    "title": {"type": "string", "minLength": 1, "maxLength": 255},
    "testId": _ID,
    "description": _TEXT,
    "ordering": _WHOLE,
    "status": _one_of(SECTION_STATUSES),
    "minQuestions": _WHOLE,
    "maxQuestions": _WHOLE,
}
SECTION: Final = _body(_SECTION, "title", "testId")
SECTION_CHANGE: Final = _body(_SECTION)

_PLACE: Final[dict[str, Any]] = {"questionId": _ID, "ordering": _WHOLE, "isCompulsory": _FLAG}
PLACE: Final = _body({"sectionId": _ID, **_PLACE, "ruleId": _ID}, "sectionId", "questionId")
PLACES: Final = _body(
    {
        "sectionId": _ID,
        "ruleId": _ID,
        "questions": {
            "type": "array",
            "maxItems": 500,
            "items": {"type": "object", "required": ["questionId"], "properties": _PLACE},
        },
    },
    "sectionId",
    "questions",
)
_ORDER: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
STRUCTURE: Final = _body(
    {
        "sections": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sectionId", "order"],
                "properties": {
                    "sectionId": _ID,
                    "order": _ORDER,
                    "questions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["questionId", "order"],
                            "properties": {"questionId": _ID, "order": _ORDER},
                        },
                    },
                },
            },
        }
    },
    "sections",
)

_MEDIA: Final = {"type": ["object", "null"], "additionalProperties": {"type": "string", "format": "uri"}}
_OPTION: Final[dict[str, Any]] = {
    "questionOptionId": {"type": "string"},
    "text": {"type": "string"},
    "isCorrect": _FLAG,
    "marks": {"type": "number"},
    "blankIndex": _WHOLE,
    "caseSensitive": _FLAG,
    "matchWith": _TEXT,
    "media": _MEDIA,
    "matchWithMedia": _MEDIA,
    "feedback": _TEXT,
    "ordering": _WHOLE,
}
_QUESTION: Final[dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "type": _one_of(KINDS),
    "marks": _MARKS,
    "negativeMarks": _MARKS,
    "options": {"type": "array", "items": {"type": "object", "properties": _OPTION}},
    "level": _one_of(LEVELS),
    "status": _one_of(STATUSES),
    "gradingType": _one_of(GRADING_TYPES),
    "allowPartialScoring": _FLAG,
    "params": {"type": ["object", "null"]},
    "media": _MEDIA,
    **dict.fromkeys(("description", "alias", "categoryId", "feedback"), _TEXT),
    "idealTime": _WHOLE,
}
QUESTION: Final = _body(
    {**_QUESTION, "testId": _ID, "sectionId": _ID, "isCompulsory": _FLAG, "ordering": _WHOLE}, "text", "type"
)
QUESTION_CHANGE: Final = _body(_QUESTION)
ASSOCIATION: Final = _body({"questionId": _ID, "optionId": {"type": "string"}}, "questionId", "optionId")

_WORDS: Final = {"type": "array", "items": {"type": "string"}}
_CRITERIA: Final[dict[str, Any]] = {
    "categories": _WORDS,
    "difficultyLevels": {"type": "array", "items": _one_of(LEVELS)},
    "questionTypes": {"type": "array", "items": _one_of(KINDS)},
    "marks": {"type": "array", "items": _MARKS},
    "includeQuestionIds": _WORDS,
    "excludeQuestionIds": _WORDS,
}
CRITERIA: Final = _body(_CRITERIA)
_RULE: Final[dict[str, Any]] = {
    "name": {"type": "string", "minLength": 1},
    "description": _TEXT,
    "ruleType": _one_of(RULE_TYPES),
    "testId": _ID,
    "sectionId": _ID,
    "numberOfQuestions": {"type": "integer", "minimum": 1},
    "poolSize": {"type": "integer", "minimum": 1},
    "minMarks": {"type": ["number", "null"], "minimum": 0},
    "maxMarks": {"type": ["number", "null"], "minimum": 0},
    "selectionStrategy": _one_of(STRATEGIES),
    "selectionMode": _one_of(MODES),
    "criteria": {"type": "object", "properties": _CRITERIA},
    "isActive": _FLAG,
    "priority": _WHOLE,
}
RULE: Final = _body(_RULE, "name", "ruleType", "testId", "sectionId", "numberOfQuestions", "poolSize")
RULE_CHANGE: Final = _body(_RULE)

_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "description": "By the question's type; `{}` takes an answer back.",
    "properties": {
        "selectedOptionIds": _WORDS,
        "blanks": {"type": "array"},
        "matches": {"type": "array"},
        "text": {"type": "string"},
    },
}
ANSWERS: Final = _body(
    {
        "answers": {
            "type": "array",
            "maxItems": 500,
            "items": {
                "type": "object",
                "required": ["questionId", "answer"],
                "properties": {"questionId": _ID, "answer": _ANSWER},
            },
        },
        "timeSpent": {"type": "integer", "minimum": 0, "description": "Seconds since the last answers."},
    },
    "answers",
)
_REVIEW: Final[dict[str, Any]] = {
    "answers": {
        "type": "array",
        "maxItems": 500,
        "items": {
            "type": "object",
            "required": ["questionId"],
            "properties": {
                "questionId": _ID,
                "score": _MARKS,
                "remarks": _TEXT,
                "criteria": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "score"],
                        "properties": {"name": {"type": "string"}, "score": _MARKS},
                    },
                },
            },
        },
    },
    "overallRemarks": _TEXT,
}
REVIEW: Final = _body(_REVIEW, "answers")
REVIEW_OF_TEST: Final = _body(
    {**_REVIEW, "testId": _ID, "userId": {"type": "string"}}, "testId", "userId", "answers"
)
RESULT_OF: Final = _body({"testId": _ID, "userId": {"type": "string"}}, "testId", "userId")
