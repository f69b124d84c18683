"""What an answer earns: exact fractions inside, marks of two decimals outside.

A score is never above the question's marks and never below `Question.lowest`. No answer is worth 0, whatever
a wrong one costs. Rounding happens once for each answer, half away from zero, so that the scores on an answer
sheet add up to the attempt's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from rocket_server.assessments.answers import Answer, Blanks, Choice, Matches
from rocket_server.assessments.keys import shares, target
from rocket_server.assessments.model import SINGLE_CHOICE, ZERO, Option, Question

_HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Score:
    """`marks` is None while a person has to decide. `is_correct` is None where nothing is right or wrong;
    an answer that earned a part is not correct."""

    marks: Decimal | None
    is_correct: bool | None


def score_answer(question: Question, answer: Answer | None) -> Score:
    """What the answer earns by the question's key.

    - One choice: all marks for the right option; a wrong one costs its own marks, or else `negative_marks`.
    - Several choices, all or nothing: exactly the right options.
    - Several choices in part: each right option earns its marks (or an equal part), each wrong one costs its
      own. Where no wrong option has marks, each costs the question's marks divided by the number of wrong
      options, so that picking every option earns nothing.
    - Blanks, by their index: all of them, or in part each for itself. One left out isn't right.
    - Pairs: likewise; a pair that is sent twice counts once.
    - What is written awaits a person; not written, it earns 0.

    What earns nothing costs `negative_marks`; several choices in part cost what their wrong options cost,
    up to `negative_marks`.
    """
    if not question.is_scored:
        return Score(ZERO, None)
    if answer is None or answer.is_empty:
        return Score(ZERO, False)
    if question.needs_review:
        return Score(None, None)
    marks, nothing = Fraction(question.marks), -Fraction(question.negative_marks)
    match answer:
        case Choice(picked) if question.kind in SINGLE_CHOICE:
            exact = _single(question, picked, marks, nothing)
        case Choice(picked) if question.kind == "multiple_answer":
            exact = _several(question, set(picked), marks, nothing)
        case Blanks(texts) if question.kind == "fill_blank":
            exact = _blanks(question, texts, marks) or nothing
        case Matches(pairs) if question.kind == "match":
            exact = _pairs(question, dict(pairs), marks) or nothing
        case _:  # of another kind, which the question had before
            exact = nothing
    exact = min(max(exact, Fraction(question.lowest)), marks)
    return Score(_rounded(exact, question.lowest), exact == marks > 0)


def right_option_ids(question: Question) -> frozenset[str]:
    """The options that a right answer picks."""
    return frozenset(option.id for option in question.options if option.is_correct)


def accepts(words: Iterable[Option], text: str) -> bool:
    """Whether a blank takes what was written. Blanks around and between words don't matter; letter case
    matters where the option says so. Spellings of one character are one (Unicode NFC)."""
    return any(_same(word, text) for word in words)


def round_marks(value: Fraction) -> Decimal:
    """Marks of two decimals, half away from zero."""
    cents = (Decimal(value.numerator) * 100 / Decimal(value.denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    return cents * _HUNDREDTH


def _single(question: Question, picked: tuple[str, ...], marks: Fraction, nothing: Fraction) -> Fraction:
    chosen = [option for option in question.options if option.id in picked]
    if len(picked) != 1 or not chosen:
        return nothing
    if chosen[0].is_correct:
        return marks
    return Fraction(chosen[0].marks) if chosen[0].marks < 0 else nothing


def _several(question: Question, picked: set[str], marks: Fraction, nothing: Fraction) -> Fraction:
    right = [option for option in question.options if option.is_correct]
    if not question.allow_partial_scoring:
        return marks if picked == {option.id for option in right} else nothing
    wrong = [option for option in question.options if not option.is_correct]
    free = not any(option.marks for option in wrong)
    earned = sum((_part(option, right, marks) for option in right if option.id in picked), Fraction(0))
    lost = sum(
        (marks / len(wrong) if free else -Fraction(option.marks) for option in wrong if option.id in picked),
        Fraction(0),
    )
    return max(earned - lost, nothing)


def _blanks(question: Question, texts: tuple[str, ...], marks: Fraction) -> Fraction:
    blanks = question.blanks
    given = (*texts, *("" for _ in blanks))  # those left out are empty
    taken = [[word for word in words if _same(word, given[index])] for index, words in enumerate(blanks)]
    if not question.allow_partial_scoring:
        return marks if blanks and all(taken) else Fraction(0)
    equal = shares(question.options)
    return sum(
        (
            marks / len(blanks) if equal else Fraction(max(word.marks for word in words))
            for words in taken
            if words
        ),
        Fraction(0),
    )


def _pairs(question: Question, chosen: dict[str, str], marks: Fraction) -> Fraction:
    pairs = question.pairs
    right = [option for option in pairs if chosen.get(option.id) == target(option)]
    if not question.allow_partial_scoring:
        return marks if pairs and len(right) == len(pairs) else Fraction(0)
    return sum((_part(option, pairs, marks) for option in right), Fraction(0))


def _part(option: Option, among: list[Option] | tuple[Option, ...], marks: Fraction) -> Fraction:
    return marks / len(among) if shares(among) else Fraction(option.marks)


def _same(word: Option, text: str) -> bool:
    expected, given = _plain(word.text), _plain(text)
    return expected == given if word.case_sensitive else expected.casefold() == given.casefold()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _rounded(exact: Fraction, lowest: Decimal) -> Decimal:
    # A cost of 0.666 is 0.66: more than was agreed is never taken.
    return max(round_marks(exact), lowest.quantize(_HUNDREDTH, ROUND_CEILING))
