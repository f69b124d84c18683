"""What the key of each kind of question must be: what contradicts itself, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rocket_server.assessments.fields import Fields
from rocket_server.assessments.model import (
    CHOICE,
    PARTIAL,
    SINGLE_CHOICE,
    ZERO,
    Option,
    Question,
)
from rocket_server.errors import FieldError

_NAMES: Final = {"fill_blank": "Fill in the blank", "match": "Matching"}


def check(question: Question, fields: Fields) -> None:
    """Adds what contradicts itself. A draft may lack its options; those it has must make sense."""
    kind = question.kind
    if question.allow_partial_scoring and kind not in PARTIAL:
        fields.fault("allowPartialScoring", f"Partial scoring is not supported for question type: {kind}")
    if question.negative_marks > question.marks:
        fields.fault("negativeMarks", "must be at most the question's marks")
    if question.negative_marks and question.needs_review:
        fields.fault("negativeMarks", f"must be 0 for question type: {kind}")
    _check_rubric(question, fields)
    for index, option in enumerate(question.options):
        _check_option(question, option, Fields({}, f"{fields.at('options')}[{index}]", fields.problems))
    if not question.options or fields.problems.errors:
        return
    if kind in CHOICE:
        _check_choice(question, fields)
    elif kind == "fill_blank":
        for index, words in enumerate(question.blanks):
            if not words:
                message = f"blankIndex must be sequential from 0. Found gap at index {index}."
                fields.fault("options", f"{_NAMES[kind]} questions: {message}")
                return
    if question.is_scored and question.allow_partial_scoring:
        _check_parts(question, fields)


def missing(question: Question) -> list[FieldError]:
    """What a question that passed `check` still lacks before it may be asked."""
    found: list[FieldError] = []
    if question.is_scored and not question.marks:
        found.append(FieldError("marks", "must be above 0: an answer would earn nothing"))
    if question.needs_review:
        return found
    least = {"true_false": 2, "fill_blank": 1, "match": 2}.get(question.kind, 2)
    if len(question.options) < least:
        found.append(FieldError("options", f"must have at least {least} for question type: {question.kind}"))
    elif question.kind == "match":
        if not question.pairs:
            found.append(FieldError("options", "must have a pair with text and matchWith"))
        elif len({target(option) for option in question.options}) < 2:
            found.append(FieldError("options", "must have two different targets: there is nothing to choose"))
    return found


def target(option: Option) -> str:
    """What is sent as `matchWith` to choose this option's target."""
    return option.match_with or ""


def shares(options: Iterable[Option]) -> bool:
    """Whether no right option has marks of its own, so that all have the same part."""
    return not any(option.marks for option in options if option.is_correct)


def _check_option(question: Question, option: Option, at: Fields) -> None:
    kind = question.kind
    if (option.blank_index is not None) != (kind == "fill_blank"):
        word = "is required" if kind == "fill_blank" else "must be absent"
        at.fault("blankIndex", f"{word} for question type: {kind}")
    if (option.match_with is not None) != (kind == "match"):
        at.fault(
            "matchWith", f"{'is required' if kind == 'match' else 'must be absent'} for question type: {kind}"
        )
    if kind == "fill_blank" and not option.is_correct:
        at.fault("isCorrect", "must be true: each option is a word that its blank accepts")
    if kind == "match" and option.is_correct != bool(option.text or option.media):
        at.fault("isCorrect", "must be true for a pair, and false for a target without text")
    if kind == "match" and not option.is_correct and option.marks:
        at.fault("marks", "must be 0 for a target without text")
    if option.is_correct and not ZERO <= option.marks <= question.marks:
        at.fault("marks", "must be from 0 to the question's marks for a right option")
    if not option.is_correct and kind in CHOICE and not -question.marks <= option.marks <= ZERO:
        at.fault("marks", "must be from 0 down to minus the question's marks for a wrong option")


def _check_choice(question: Question, fields: Fields) -> None:
    right = [option for option in question.options if option.is_correct]
    kind = question.kind
    if kind == "true_false" and len(question.options) != 2:
        fields.fault("options", "true_false questions must have exactly two options.")
    if question.is_scored and kind in SINGLE_CHOICE:
        if len(right) != 1:
            fields.fault("options", f"{kind} questions must have exactly one correct answer.")
        elif right[0].marks not in (ZERO, question.marks):
            fields.fault("options", "The right option's marks must be 0 or the question's marks.")
    elif question.is_scored and not right:
        fields.fault("options", f"{kind} questions must have at least one correct answer.")


def _check_parts(question: Question, fields: Fields) -> None:
    if question.kind == "fill_blank":
        parts = [max(word.marks for word in words) for words in question.blanks]
    else:
        parts = [option.marks for option in question.options if option.is_correct]
    total = sum(parts, ZERO)
    if total and total != question.marks:
        fields.fault(
            "options",
            f"Sum of option marks ({total:f}) must equal question marks ({question.marks:f}) when partial "
            "scoring is enabled.",
        )
    elif total and not all(parts):
        fields.fault("options", "Either every right option has marks above 0, or none has.")


def _check_rubric(question: Question, fields: Fields) -> None:
    rubric = question.writing.rubric
    total: Decimal = sum((line.max_score for line in rubric), ZERO)
    if rubric and question.is_scored and total != question.marks:
        fields.fault(
            "params.rubric",
            f"Sum of maxScore ({total:f}) must equal question marks ({question.marks:f}).",
        )
