"""Moodle's percentages for answers, to and from marks: exactly, or not at all.

Moodle writes thirds, sixths, sevenths and ninths with five decimals, 33.33333 for one third. Such a number is
read as the fraction that it stands for, wherever the marks of that fraction can be written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from rocket_server.assessments.formats.bank import Unfit
from rocket_server.assessments.questions import PART_PLACES

_LARGEST_DENOMINATOR: Final = 20
_PLACES: Final = 5
_HUNDRED: Final = Fraction(100)
_TOLERANCE: Final = Fraction(1, 100)  # of a sum of rounded percentages
# Without an exponent: a few bytes of one could ask for a billion digits.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})").fullmatch


def read_number(text: str) -> Decimal | None:
    """A number in digits, as Moodle writes them: `2.0000000`, `-33.33333`. None for anything else."""
    return Decimal(text) if _NUMBER(text) else None


def read_percentage(text: str) -> Fraction:
    """A percentage as it stands in the file, from -100 to 100, as a part of 1. Raises Unfit."""
    value = read_number(text.strip() or "0")
    if value is None or abs(value) > 100:
        raise Unfit(f"has the fraction {text.strip()[:20]!r}, which is no percentage from -100 to 100")
    exact = Fraction(value) / 100
    simple = exact.limit_denominator(_LARGEST_DENOMINATOR)
    return simple if abs(simple - exact) * 100 <= Fraction(1, 2 * 10**_PLACES) else exact


def marks_of(part: Fraction, marks: Decimal) -> Decimal:
    """The marks of a part: exactly, or as finely as Moodle's five decimals say."""
    exact = part * Fraction(marks)
    scaled = exact * 10**PART_PLACES
    if scaled.denominator == 1:
        return Decimal(scaled.numerator).scaleb(-PART_PLACES)
    return _five_decimals(part) * marks / 100


def write_percentage(part: Fraction) -> str:
    """A part as Moodle writes it: `50`, `33.33333`, `-12.5`."""
    text = f"{_five_decimals(part):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percentage_of(part: Decimal, marks: Decimal) -> Fraction:
    """What to write for a part of the marks, so that reading it gives the same part. Raises Unfit."""
    exact = Fraction(part) / Fraction(marks)
    if marks_of(read_percentage(write_percentage(exact)), marks) != part:
        raise Unfit(f"gives {part:f} of {marks:f} marks, which no percentage of five decimals says")
    return exact


def are_equal_shares(parts: Sequence[Fraction]) -> bool:
    """Whether the parts are the same and make a whole, but for rounding: three times 33.333 percent."""
    return len(set(parts)) == 1 and abs(sum(parts, Fraction(0)) - 1) * _HUNDRED <= _TOLERANCE


def _five_decimals(part: Fraction) -> Decimal:
    return round(Decimal(part.numerator) * 100 / Decimal(part.denominator), _PLACES)
