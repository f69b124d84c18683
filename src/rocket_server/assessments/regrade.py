"""A question's key is corrected: which attempts change, and how. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rocket_server.assessments.answers import stored_answer
from rocket_server.assessments.grading import Result, result_of
from rocket_server.assessments.model import ZERO, Question, number
from rocket_server.assessments.scoring import Score, score_answer


@dataclass(frozen=True, slots=True)
class Stored:
    """One submitted attempt's answer to the question, and what the attempt came to.

    `rest` is the sum of the attempt's other answers' scores, before a sum below zero becomes zero. An attempt
    that awaits a review has no result, and neither has one of a test without a pass mark.
    """

    attempt_id: str
    answer: Mapping[str, Any] | None
    marks: Decimal | None  # of this answer, as it was scored; None while it awaits a person
    rest: Decimal
    score: Decimal | None
    result: Result | None
    passing_marks: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """What the new key changes in one attempt. Scores of attempts are None where they were."""

    attempt_id: str
    old_marks: Decimal | None
    new: Score
    old_score: Decimal | None
    new_score: Decimal | None
    old_result: Result | None
    new_result: Result | None

    def as_json(self) -> dict[str, Any]:
        """A row of the preview."""
        return {
            "attemptId": self.attempt_id,
            "oldMarks": _number(self.old_marks),
            "newMarks": _number(self.new.marks),
            "oldScore": _number(self.old_score),
            "newScore": _number(self.new_score),
            "oldResult": self.old_result,
            "newResult": self.new_result,
        }


@dataclass(slots=True)
class Summary:
    """Counts over a regrade, attempt by attempt."""

    changed: int = 0
    higher: int = 0
    lower: int = 0
    now_passed: int = 0
    now_failed: int = 0

    def add(self, change: Change) -> None:
        self.changed += 1
        before, after = change.old_score or ZERO, change.new_score or ZERO
        self.higher += after > before
        self.lower += after < before
        self.now_passed += (change.old_result, change.new_result) == ("F", "P")
        self.now_failed += (change.old_result, change.new_result) == ("P", "F")


def changes(new: Question, stored: Iterable[Stored]) -> Iterator[Change]:
    """The attempts that the new key changes, one at a time, so that any number of them can be gone through.

    An answer that a person has judged keeps its marks, since the key doesn't decide about it; it is cut to
    the question's marks where those became fewer. A score whose attempt has none yet stays open.
    """
    for one in stored:
        score = rescored(new, one)
        new_score, new_result = _attempt(one, score)
        if (score.marks, new_score, new_result) != (one.marks, one.score, one.result):
            yield Change(one.attempt_id, one.marks, score, one.score, new_score, one.result, new_result)


def rescored(new: Question, stored: Stored) -> Score:
    """What the stored answer earns by the new key."""
    answer = None if stored.answer is None else stored_answer(new.kind, stored.answer)
    score = score_answer(new, answer)
    if score.marks is None and stored.marks is not None:
        kept = min(stored.marks, new.marks)
        return Score(kept, kept > 0)
    return score


def scoring_differs(old: Question, new: Question) -> list[str]:
    """The names of what differs in a way that can change scores; none where only texts differ that nobody is
    scored by."""
    compared = {
        "type": (old.kind, new.kind),
        "marks": (old.marks, new.marks),
        "negativeMarks": (old.negative_marks, new.negative_marks),
        "gradingType": (old.grading_type, new.grading_type),
        "allowPartialScoring": (old.allow_partial_scoring, new.allow_partial_scoring),
        "options": (_key(old), _key(new)),
    }
    return [name for name, (before, after) in compared.items() if before != after]


def _attempt(stored: Stored, score: Score) -> tuple[Decimal | None, Result | None]:
    if stored.score is None:
        return None, None
    total = max(stored.rest + (score.marks or ZERO), ZERO)
    return total, None if stored.result is None else result_of(total, stored.passing_marks)


def _key(question: Question) -> frozenset[Any]:
    """What of the options decides scores. A choice's text doesn't, and neither does the options' order."""
    if question.needs_review:
        return frozenset()
    return frozenset(
        (
            option.id,
            option.is_correct,
            option.marks,
            option.blank_index,
            option.match_with,
            (option.text, option.case_sensitive) if question.kind == "fill_blank" else None,
            bool(option.text or option.media) if question.kind == "match" else None,
        )
        for option in question.options
    )


def _number(value: Decimal | None) -> int | float | None:
    return None if value is None else number(value)
