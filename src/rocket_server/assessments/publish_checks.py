"""What a test still lacks before it may be published, and what may change once somebody has taken it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rocket_server.assessments import keys
from rocket_server.assessments.definition import TestType
from rocket_server.assessments.grading import Method
from rocket_server.assessments.model import SCORED, ZERO, GradingType, Question
from rocket_server.assessments.selection import Chosen
from rocket_server.errors import FieldError

# What takers have begun or been scored under. It may not change while there are attempts.
FROZEN: Final = (
    "type", "gradingType", "totalMarks", "passingMarks", "questionsShuffle", "answersShuffle",
    "allowResubmission", "startDate", "sections", "questions", "rules",
)  # fmt: skip
# These may only become more generous; null, which sets no limit, is the most generous.
ONLY_MORE: Final = ("attempts", "timeDuration", "endDate")


@dataclass(frozen=True, slots=True)
class Placed:
    """A question in a section."""

    question: Question
    is_compulsory: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a test, its questions in their order."""

    id: str
    title: str
    questions: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A test as it would be published. `time_duration` and `attempts` are None without a limit."""

    title: str
    test_type: TestType
    grading_type: GradingType
    total_marks: Decimal
    passing_marks: Decimal
    method: Method = "last_attempt"
    attempts: int | None = 1
    time_duration: int | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    sections: tuple[Section, ...] = ()
    chosen: tuple[Chosen, ...] = ()  # by the test's rules, with `selection.choose`


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a draft. What is `blocking` keeps it from being published; the rest is good to know."""

    code: str
    path: str
    message: str
    blocking: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "path": self.path, "message": self.message, "blocking": self.blocking}


def check(draft: Draft, now: datetime) -> list[Finding]:
    """Everything that keeps the draft from being published, and what its author may have overlooked."""
    found: list[Finding] = []
    placed = [
        (f"sections[{place}].questions[{index}]", one)
        for place, section in enumerate(draft.sections)
        for index, one in enumerate(section.questions)
    ]
    if not draft.sections:
        found.append(Finding("NO_SECTION", "sections", "The test has no section."))
    elif not placed and not any(each.question_ids for each in draft.chosen):
        found.append(Finding("NO_QUESTION", "sections", "The test has no question."))
    found += _of_questions(placed, draft.grading_type)
    found += _of_rules(draft)
    found += _of_settings(draft, now)
    found += _of_marks(draft, placed)
    return found


def _of_questions(placed: Sequence[tuple[str, Placed]], grading_type: GradingType) -> list[Finding]:
    found: list[Finding] = []
    seen: dict[str, str] = {}
    for path, one in placed:
        question = one.question
        if question.id is not None and seen.setdefault(question.id, path) != path:
            found.append(Finding("QUESTION_TWICE", path, f"This question stands at {seen[question.id]} too."))
        for fault in keys.missing(question):
            found.append(
                Finding("QUESTION_INCOMPLETE", f"{path}.{fault.path}", f"{fault.path} {fault.message}")
            )
        if question.status == "draft":
            found.append(Finding("QUESTION_DRAFT", path, "This question is a draft; publish it first."))
        elif question.status == "archived":
            message = "This question is archived; new tests can't choose it any more."
            found.append(Finding("QUESTION_ARCHIVED", path, message, blocking=False))
        if (question.grading_type in SCORED) != (grading_type in SCORED):
            message = f"A question for {question.grading_type} stands in a test for {grading_type}."
            found.append(Finding("GRADING_TYPE_DIFFERS", path, message, blocking=False))
    return found


def _of_rules(draft: Draft) -> list[Finding]:
    found = []
    if (
        draft.test_type == "rule_based"
        and not draft.chosen
        and not any(one.questions for one in draft.sections)
    ):
        found.append(Finding("NO_RULE", "rules", "A rule-based test has no active rule and no question."))
    known = {section.id for section in draft.sections}
    for index, each in enumerate(draft.chosen):
        if each.lacking:
            found.append(Finding("POOL_TOO_SMALL", f"rules[{index}]", f"{each.rule.name}: {each.why()}."))
        if each.rule.section_id is not None and each.rule.section_id not in known:
            message = f"{each.rule.name} chooses for a section that the test doesn't have."
            found.append(Finding("SECTION_UNKNOWN", f"rules[{index}].sectionId", message))
    return found


def _of_settings(draft: Draft, now: datetime) -> list[Finding]:
    found = []
    if not draft.title.strip():
        found.append(Finding("NO_TITLE", "title", "The test has no title."))
    for name, limit in (("attempts", draft.attempts), ("timeDuration", draft.time_duration)):
        if limit is not None and limit <= 0:
            found.append(
                Finding("LIMIT_NOT_POSITIVE", name, f"{name} must be above 0, or null for no limit.")
            )
    if draft.start_date and draft.end_date and draft.end_date <= draft.start_date:
        found.append(Finding("WINDOW_EMPTY", "endDate", "The test ends before it begins."))
    elif draft.end_date and draft.end_date <= now:
        found.append(Finding("WINDOW_OVER", "endDate", "The test's end has passed.", blocking=False))
    return found


def _of_marks(draft: Draft, placed: Sequence[tuple[str, Placed]]) -> list[Finding]:
    found = []
    if min(draft.total_marks, draft.passing_marks) < ZERO:
        found.append(
            Finding("MARKS_NEGATIVE", "totalMarks", "totalMarks and passingMarks must be 0 or above.")
        )
    if draft.grading_type not in SCORED:
        return found
    if draft.passing_marks > draft.total_marks:
        message = f"passingMarks is {draft.passing_marks:f}, above totalMarks, {draft.total_marks:f}."
        found.append(Finding("PASSING_ABOVE_TOTAL", "passingMarks", message))
    reachable = sum((one.question.marks for _, one in placed), ZERO)
    if not draft.chosen and placed and reachable != draft.total_marks:
        message = f"The questions' marks add up to {reachable:f}, and totalMarks is {draft.total_marks:f}."
        found.append(Finding("TOTAL_DIFFERS", "totalMarks", message, blocking=False))
        if reachable < draft.passing_marks:
            message = (
                f"Nobody can pass: the questions are worth {reachable:f} of {draft.passing_marks:f} marks."
            )
            found.append(Finding("PASS_OUT_OF_REACH", "passingMarks", message, blocking=False))
    return found


def refused_changes(before: Mapping[str, Any], changes: Mapping[str, Any], attempts: int) -> list[FieldError]:
    """What of `changes` (decoded, by the API's names) a test can't have while it has `attempts`.

    Frozen fields keep their value, limits only grow, and everything else, such as the title or what results
    show, changes freely.
    """
    if not attempts:
        return []
    found = []
    for name, value in changes.items():
        old = before.get(name)
        if value == old:
            continue
        if name in FROZEN:
            found.append(FieldError(name, f"can't change any more: the test has {attempts} attempts"))
        elif name in ONLY_MORE and value is not None and (old is None or value < old):
            shown = (
                old.isoformat() if isinstance(old, datetime) else "without a limit" if old is None else old
            )
            found.append(
                FieldError(name, f"can only grow while the test has {attempts} attempts; it is {shown}")
            )
    return found
