"""How a question did: facility, discrimination and the answers given, from sums that can be added up.

Formulas: the quiz statistics report of Moodle (docs.moodle.org/dev/Quiz_statistics_calculations), with x for
the score of one answer and y for the attempt's score without it:

- facility index: 100 · mean(x) / marks, in percent;
- discrimination index: 100 · covariance(x, y) / √(variance(x) · variance(y)), in percent. This is Pearson's
  correlation; for an answer that is either right or wrong it is the point-biserial coefficient (corrected,
  since the question itself is left out of y).

Where all answers or all remainders are equal there is no discrimination, which is None and not 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Any, Final

from rocket_server.assessments.answers import Answer, Blanks, Choice, Matches
from rocket_server.assessments.keys import target
from rocket_server.assessments.model import Question
from rocket_server.assessments.scoring import accepts, right_option_ids

MAX_WRITTEN: Final = 100  # different texts kept for each blank; the others are counted together


@dataclass(slots=True)
class Sums:
    """What is known of a question's scores: exact sums over attempts, which SQL's sum() and count() can make.

    `count` is of scored attempts whose test asked this question; an open answer scored 0. Scores that await a
    person aren't counted. x is the question's score, y the attempt's score without it, both in marks.
    """

    count: int = 0
    answered: int = 0
    correct: int = 0
    x: Decimal = Decimal(0)
    y: Decimal = Decimal(0)
    xx: Decimal = Decimal(0)
    yy: Decimal = Decimal(0)
    xy: Decimal = Decimal(0)

    def add(self, marks: Decimal, rest: Decimal, *, answered: bool, correct: bool) -> None:
        """One more attempt."""
        self.count += 1
        self.answered += answered
        self.correct += correct
        self.x += marks
        self.y += rest
        self.xx += marks * marks
        self.yy += rest * rest
        self.xy += marks * rest

    def merged(self, other: Sums) -> Sums:
        """The sums over both."""
        return Sums(
            self.count + other.count, self.answered + other.answered, self.correct + other.correct,
            self.x + other.x, self.y + other.y, self.xx + other.xx, self.yy + other.yy, self.xy + other.xy,
        )  # fmt: skip

    def facility(self, marks: Decimal) -> float | None:
        """The mean score in percent of the question's marks; None without attempts."""
        if not self.count or not marks:
            return None
        return float(Fraction(self.x) * 100 / (self.count * Fraction(marks)))

    def discrimination(self) -> float | None:
        """From -100 to 100 percent: do those who did well in the rest do well here? None where unknown."""
        n = self.count
        # Exact until here: differences of large sums are where floats lose everything.
        xx = n * Fraction(self.xx) - Fraction(self.x) ** 2
        yy = n * Fraction(self.yy) - Fraction(self.y) ** 2
        xy = n * Fraction(self.xy) - Fraction(self.x) * Fraction(self.y)
        if n < 2 or xx <= 0 or yy <= 0:
            return None
        return max(-100.0, min(100.0, 100 * float(xy) / sqrt(float(xx * yy))))


@dataclass(slots=True)
class Answers:
    """How often each answer was given: by option, by blank and text, by pair; bounded for any number."""

    given: int = 0
    empty: int = 0
    options: Counter[str] = field(default_factory=Counter)
    blanks: dict[int, Counter[str]] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    other_texts: Counter[int] = field(default_factory=Counter)  # by blank, beyond MAX_WRITTEN

    def add(self, answer: Answer | None, times: int = 1) -> None:
        """The same answer, given so many times."""
        if answer is None or answer.is_empty:
            self.empty += times
            return
        self.given += times
        match answer:
            case Choice(picked):
                for option_id in picked:
                    self.options[option_id] += times
            case Matches(pairs):
                for pair in pairs:
                    self.pairs[pair] += times
            case Blanks(texts):
                for index, text in enumerate(texts):
                    self._add_text(index, " ".join(text.split()), times)
            case _:  # everybody writes something else
                pass

    def _add_text(self, index: int, text: str, times: int) -> None:
        counts = self.blanks.setdefault(index, Counter())
        if text in counts or len(counts) < MAX_WRITTEN:
            counts[text] += times
        else:
            self.other_texts[index] += times


def report(question: Question, sums: Sums, answers: Answers) -> dict[str, Any]:
    """A question's row in the report: its figures, rounded to two decimals, beside the answers given."""
    return {
        "questionId": question.id,
        "attempts": sums.count,
        "answered": sums.answered,
        "correct": sums.correct,
        "facility": _rounded(sums.facility(question.marks)),
        "discrimination": _rounded(sums.discrimination()),
        "answers": list(_distribution(question, answers)),
        "noAnswer": answers.empty,
    }


def _distribution(question: Question, answers: Answers) -> Iterable[dict[str, Any]]:
    def part(count: int) -> dict[str, Any]:
        total = answers.given + answers.empty
        return {"count": count, "percent": _rounded(100 * count / total) if total else None}

    right = right_option_ids(question)
    if question.kind == "fill_blank":
        for index, words in enumerate(question.blanks):
            for text, count in answers.blanks.get(index, Counter()).most_common():
                yield {"blankIndex": index, "text": text, "isCorrect": accepts(words, text), **part(count)}
            if answers.other_texts[index]:
                yield {
                    "blankIndex": index,
                    "text": None,
                    "isCorrect": None,
                    **part(answers.other_texts[index]),
                }
    elif question.kind == "match":
        for option in question.pairs:
            for (option_id, chosen), count in sorted(answers.pairs.items()):
                if option_id == option.id:
                    is_correct = chosen == target(option)
                    yield {"optionId": option_id, "matchWith": chosen, "isCorrect": is_correct, **part(count)}
    elif not question.needs_review:
        for option in question.options:
            count = answers.options[option.id]
            yield {"optionId": option.id, "text": option.text, "isCorrect": option.id in right, **part(count)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
