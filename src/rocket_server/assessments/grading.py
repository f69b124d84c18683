"""From scores to results: an attempt's total and result, a person's review, and which attempt counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal, get_args

from rocket_server.assessments.fields import Fields
from rocket_server.assessments.model import SCORED, ZERO, GradingType, Question
from rocket_server.assessments.questions import MARKS_PLACES, MAX_CRITERIA, MAX_TEXT
from rocket_server.assessments.scoring import Score, round_marks

Result = Literal["P", "F"]  # passed or failed
ReviewStatus = Literal["P", "U", "R"]  # pending, under review, reviewed or nothing to review
Method = Literal["first_attempt", "last_attempt", "highest", "average"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
_WORDS: Final[dict[Result | None, str | None]] = {"P": "pass", "F": "fail", None: None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `score` is what is known so far; `result` is None until all is known."""

    score: Decimal | None
    review_status: ReviewStatus
    result: Result | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A submitted attempt, as far as grading asks. Without a `result` it awaits its review."""

    attempt_id: str
    number: int
    score: Decimal | None
    result: Result | None


@dataclass(frozen=True, slots=True)
class Review:
    """A person's judgement of one answer, within the question's marks."""

    question_id: str
    marks: Decimal
    criteria: tuple[tuple[str, Decimal], ...] = ()
    remarks: str | None = None


def outcome(
    scores: Iterable[Score], *, passing_marks: Decimal, grading_type: GradingType, reviewed: bool = False
) -> Outcome:
    """An attempt's score and result. `reviewed` says that a person has gone over it.

    The scores are added; below zero, which negative marks could bring about, is zero. Of a quiz only written
    answers await a person, of an assessment all; feedback and reflections have no score.
    """
    if grading_type not in SCORED:
        return Outcome(None, "R" if reviewed else "P", None)
    if grading_type == "assessment" and not reviewed:
        return Outcome(None, "P", None)
    known = [score.marks for score in scores]
    total = max(sum((marks for marks in known if marks is not None), ZERO), ZERO)
    if None in known:
        return Outcome(total, "U" if reviewed else "P", None)
    return Outcome(total, "R", result_of(total, passing_marks))


def result_of(score: Decimal, passing_marks: Decimal) -> Result:
    """Passed is whoever reaches the pass mark."""
    return "P" if score >= passing_marks else "F"


def result_word(result: Result | None) -> str | None:
    """The result as events tell it: "pass", "fail", or None while a review is pending."""
    return _WORDS[result]


def grade(attempts: Sequence[Finished], method: Method, passing_marks: Decimal) -> Finished | None:
    """What counts of all submitted attempts, or None while that isn't known.

    First and last wait for the review of the attempt that they name. Highest (the earlier of equal ones) and
    average, rounded to two decimals, go over those whose result is known; the average stands under the last.
    """
    ordered = sorted(attempts, key=lambda attempt: attempt.number)
    if method in ("first_attempt", "last_attempt"):
        named = ordered[:1] if method == "first_attempt" else ordered[-1:]
        return named[0] if named and named[0].result is not None else None
    known = [one for one in ordered if one.result is not None and one.score is not None]
    if not known:
        return None
    if method == "highest":
        return max(known, key=lambda one: (one.score or ZERO, -one.number))
    last = known[-1]
    mean = round_marks(sum((Fraction(one.score or ZERO) for one in known), Fraction(0)) / len(known))
    return Finished(last.attempt_id, last.number, mean, result_of(mean, passing_marks))


def read_review(question: Question, fields: Fields) -> Review | None:
    """A review of one answer: `{"score", "remarks"?, "criteria"? [{"name", "score"}]}`.

    The score is 0 to the question's marks with two decimals at most. Scores by criterion name lines of the
    rubric, each within its `maxScore`; all lines must be there, and their sum is the score. Faults go to
    `fields`.
    """
    before = len(fields.problems.errors)
    most = question.marks
    marks = fields.decimal("score", ZERO, most, MARKS_PLACES)
    remarks = fields.text("remarks", MAX_TEXT)
    lines = fields.objects("criteria", MAX_CRITERIA)
    rubric = {line.name: line.max_score for line in question.writing.rubric}
    given: dict[str, Decimal] = {}
    for line in lines:
        line.refuse_unknown(("name", "score"))
        name: Any = line.data.get("name")
        if not isinstance(name, str) or name not in rubric:
            line.fault("name", "must be a criterion of the question's rubric")
            continue
        score = line.decimal("score", ZERO, rubric[name], MARKS_PLACES)
        if name in given:
            line.fault("name", "must be judged once")
        elif score is None and line.data.get("score") is None:
            line.fault("score", "is required")
        given[name] = score or ZERO
    if len(fields.problems.errors) > before:
        return None
    if lines:
        total = sum(given.values(), ZERO)
        absent = [name for name in rubric if name not in given]
        if absent:
            fields.fault("criteria", f"must have a score for {absent[0]}")
        elif marks is not None and marks != total:
            fields.fault("score", f"must be the sum of the criteria, {total:f}, or be left out")
        marks = total
    if marks is None:
        fields.fault("score", "is required")
    if len(fields.problems.errors) > before or marks is None:
        return None
    return Review(question.id or "", marks, tuple(given.items()), remarks)


def reviewed_score(question: Question, review: Review) -> Score:
    """The score that a review gives. Whatever earned something counts as correct: a person's marks say how
    good an answer is, not whether it is right."""
    return Score(min(max(review.marks, ZERO), question.marks), review.marks > 0)
