"""Facility, discrimination and distribution: as the formulas say, whatever way the sums were made."""

from __future__ import annotations

from decimal import Decimal
from math import isclose
from statistics import correlation

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rocket_server.assessments.answers import Blanks, Choice, Matches, Text
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.statistics import MAX_WRITTEN, Answers, Sums, report

D = Decimal
BLANK = {"type": "fill_blank", "text": "_", "marks": 1, "options": [{"text": "b", "blankIndex": 0}]}
CENTS = st.integers(-1000, 1000).map(lambda cents: D(cents) / 100)
ROWS = st.lists(st.tuples(CENTS, CENTS), min_size=2, max_size=30)


def _sums(rows):
    sums = Sums()
    for marks, rest in rows:
        sums.add(marks, rest, answered=True, correct=marks > 0)
    return sums


@given(ROWS)
def test_discrimination_is_the_correlation_with_the_rest(rows):
    """The index is Pearson's correlation of score and remainder, in percent, as the standard library."""
    x, y = [float(row[0]) for row in rows], [float(row[1]) for row in rows]
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    assert isclose(_sums(rows).discrimination(), 100 * correlation(x, y), abs_tol=1e-6)


@given(ROWS, st.integers(0, 30))
def test_sums_can_be_made_in_parts(rows, at):
    """Sums of two parts are the sums of the whole, so that they can be added up as attempts arrive."""
    assert _sums(rows[:at]).merged(_sums(rows[at:])) == _sums(rows)


def test_large_marks_lose_nothing():
    """Sums stay exact where floats would give noise: a tiny spread around large marks is still seen."""
    rows = [(D("9999.99"), D("9999.99")), (D("10000"), D("10000"))] * 1000
    assert _sums(rows).discrimination() == pytest.approx(100)


def test_where_nothing_differs_there_is_no_discrimination():
    """All right, all the same remainder, one attempt or none: nobody knows, which is None and not 0."""
    assert _sums([(D(1), D(3)), (D(1), D(5))]).discrimination() is None
    assert _sums([(D(1), D(3)), (D(0), D(3))]).discrimination() is None
    assert _sums([(D(1), D(3))]).discrimination() is None
    assert (Sums().discrimination(), Sums().facility(D(1))) == (None, None)


def test_facility_is_the_mean_in_percent_of_the_marks():
    """Scores of 2, 1 and 0 of two marks make 50 percent."""
    assert _sums([(D(2), D(0)), (D(1), D(0)), (D(0), D(0))]).facility(D(2)) == 50


def test_a_report_shows_figures_beside_answers():
    """Each option with its count and percent of all attempts, and the attempts without an answer."""
    question = parse_question(
        {"type": "mcq", "text": "z", "marks": 1, "options": [
            {"questionOptionId": "a", "text": "A", "isCorrect": True},
            {"questionOptionId": "b", "text": "B"}, {"questionOptionId": "c", "text": "C"}]},
        question_id="q",
    )  # fmt: skip
    sums, answers = Sums(), Answers()
    for picked, marks, rest in (("a", 1, 5), ("a", 1, 4), ("b", 0, 1), (None, 0, 2)):
        sums.add(D(marks), D(rest), answered=picked is not None, correct=picked == "a")
        answers.add(Choice((picked,)) if picked else None)
    shown = report(question, sums, answers)
    assert {name: shown[name] for name in ("questionId", "attempts", "answered", "correct", "noAnswer")} == {
        "questionId": "q", "attempts": 4, "answered": 3, "correct": 2, "noAnswer": 1,
    }  # fmt: skip
    assert (shown["facility"], shown["discrimination"]) == (50, 94.87)
    assert shown["answers"] == [
        {"optionId": "a", "text": "A", "isCorrect": True, "count": 2, "percent": 50},
        {"optionId": "b", "text": "B", "isCorrect": False, "count": 1, "percent": 25},
        {"optionId": "c", "text": "C", "isCorrect": False, "count": 0, "percent": 0},
    ]


def test_blanks_and_pairs_are_counted_each_for_itself():
    """Words are counted by blank, pairs by item; what is written in an essay isn't listed."""
    blanks = parse_question(BLANK)
    answers = Answers()
    for text in ("B", "b", "b", "x", " "):
        answers.add(Blanks((text,)))
    shown = report(blanks, Sums(), answers)["answers"]
    assert [(row["text"], row["isCorrect"], row["count"]) for row in shown] == [
        ("b", True, 2), ("B", True, 1), ("x", False, 1),
    ]  # fmt: skip
    match = parse_question({"type": "match", "text": "z", "marks": 1, "options": [
        {"questionOptionId": "f", "text": "France", "matchWith": "Paris"},
        {"questionOptionId": "i", "text": "Italy", "matchWith": "Rome"}]})  # fmt: skip
    answers = Answers()
    answers.add(Matches((("f", "Paris"), ("i", "Paris"))), times=3)
    shown = report(match, Sums(), answers)["answers"]
    assert [(row["optionId"], row["matchWith"], row["isCorrect"], row["count"]) for row in shown] == [
        ("f", "Paris", True, 3), ("i", "Paris", False, 3),
    ]  # fmt: skip
    essay = parse_question({"type": "essay", "text": "z", "marks": 1})
    answers = Answers()
    answers.add(Text("x"))
    assert (report(essay, Sums(), answers)["answers"], answers.given) == ([], 1)


def test_texts_are_bounded():
    """However many different words are written, only so many are kept; the rest is one number."""
    question = parse_question(BLANK)
    answers = Answers()
    for number in range(MAX_WRITTEN + 50):
        answers.add(Blanks((f"word {number}",)))
    shown = report(question, Sums(), answers)["answers"]
    assert len(shown) == MAX_WRITTEN + 1
    assert shown[-1]["count"] == 50
