"""From scores to results: totals, pass marks, which attempt counts, and what a person may give."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.assessments.fields import Fields
from rocket_server.assessments.grading import (
    Finished,
    Outcome,
    grade,
    outcome,
    read_review,
    result_word,
    reviewed_score,
)
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.scoring import Score
from rocket_server.conditions.reading import Problems

D = Decimal
RIGHT, WRONG, OPEN = Score(D(2), True), Score(D(-1), False), Score(None, None)


@pytest.mark.parametrize(
    ("scores", "grading_type", "reviewed", "expected"),
    [
        ([RIGHT, RIGHT], "quiz", False, Outcome(D(4), "R", "P")),
        ([RIGHT, WRONG], "quiz", False, Outcome(D(1), "R", "F")),
        ([WRONG, WRONG], "quiz", False, Outcome(D(0), "R", "F")),
        ([], "quiz", False, Outcome(D(0), "R", "F")),
        ([RIGHT, OPEN], "quiz", False, Outcome(D(2), "P", None)),
        ([RIGHT, OPEN], "quiz", True, Outcome(D(2), "U", None)),
        ([RIGHT, RIGHT], "assessment", False, Outcome(None, "P", None)),
        ([RIGHT, RIGHT], "assessment", True, Outcome(D(4), "R", "P")),
        ([RIGHT, OPEN], "assessment", True, Outcome(D(2), "U", None)),
        ([RIGHT], "feedback", False, Outcome(None, "P", None)),
        ([RIGHT], "reflection.prompt", True, Outcome(None, "R", None)),
    ],
)
def test_what_an_attempt_came_to(scores, grading_type, reviewed, expected):
    """The total, its review status and its result, as the kind of test has it; never below zero."""
    assert outcome(scores, passing_marks=D(2), grading_type=grading_type, reviewed=reviewed) == expected


def test_reaching_the_pass_mark_passes():
    """The pass mark itself is enough, and a hundredth below it isn't."""
    assert outcome([Score(D("2.00"), True)], passing_marks=D(2), grading_type="quiz").result == "P"
    assert outcome([Score(D("1.99"), True)], passing_marks=D(2), grading_type="quiz").result == "F"


def test_events_have_words_for_results():
    """Events say pass and fail, and nothing while a review is pending."""
    assert [result_word(result) for result in ("P", "F", None)] == ["pass", "fail", None]


ATTEMPTS = [
    Finished("three", 3, D(7), "F"),
    Finished("one", 1, D(6), "F"),
    Finished("two", 2, D(21), "P"),
    Finished("four", 4, D(2), None),
]


@pytest.mark.parametrize(
    ("method", "attempts", "expected"),
    [
        ("first_attempt", ATTEMPTS, ("one", D(6), "F")),
        ("last_attempt", ATTEMPTS[:3], ("three", D(7), "F")),
        ("last_attempt", ATTEMPTS, None),
        ("highest", ATTEMPTS, ("two", D(21), "P")),
        ("average", ATTEMPTS, ("three", D("11.33"), "P")),
        ("average", [Finished("x", 1, D(0), "F")], ("x", D(0), "F")),
        ("average", ATTEMPTS[3:], None),
        ("highest", [Finished("b", 2, D(5), "F"), Finished("a", 1, D(5), "F")], ("a", D(5), "F")),
        ("highest", [], None),
        ("first_attempt", [], None),
        ("last_attempt", [], None),
    ],
)
def test_which_attempt_counts(method, attempts, expected):
    """First, last, highest and average, where some attempts still await their review."""
    found = grade(attempts, method, D(10))
    assert (found and (found.attempt_id, found.score, found.result)) == expected


@given(st.lists(st.integers(0, 10_000), min_size=1), st.sampled_from(["highest", "average"]))
def test_a_grade_lies_between_the_attempts(scores, method):
    """No grade is above the best attempt or below the worst, and the order of attempts doesn't matter."""
    attempts = [Finished(str(n), n, D(score) / 100, "F") for n, score in enumerate(scores)]
    found = grade(attempts, method, D(0))
    assert min(scores) <= found.score * 100 <= max(scores)
    assert grade(attempts[::-1], method, D(0)) == found


ESSAY = {"type": "essay", "text": "z", "marks": 10, "params": {"rubric": {"criteria": [
    {"name": "Clarity", "maxScore": 4}, {"name": "Depth", "maxScore": 6}]}}}  # fmt: skip
DEPTH = {"name": "Depth", "score": 6}


def _review(data):
    problems = Problems()
    question = parse_question(ESSAY, question_id="q")
    return question, read_review(question, Fields(data, "answers[0]", problems)), problems.errors


@pytest.mark.parametrize(
    ("data", "marks"),
    [
        ({"score": 0}, D(0)),
        ({"score": 7.5, "remarks": "good"}, D("7.5")),
        ({"score": 10}, D(10)),
        ({"criteria": [{"name": "Clarity", "score": 3.25}, DEPTH]}, D("9.25")),
        ({"score": 9.25, "criteria": [DEPTH, {"name": "Clarity", "score": 3.25}]}, D("9.25")),
    ],
)
def test_a_person_gives_marks_as_a_whole_or_by_rubric(data, marks):
    """A score within the question's marks is taken, and the lines of a rubric add up to it."""
    question, review, faults = _review(data)
    assert faults == []
    assert (review.marks, reviewed_score(question, review)) == (marks, Score(marks, marks > 0))


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "answers[0].score"),
        ({"score": 10.01}, "answers[0].score"),
        ({"score": 500}, "answers[0].score"),
        ({"score": -3}, "answers[0].score"),
        ({"score": 1.234}, "answers[0].score"),
        ({"score": "3"}, "answers[0].score"),
        ({"score": True}, "answers[0].score"),
        ({"score": 5, "remarks": 5}, "answers[0].remarks"),
        ({"criteria": [DEPTH]}, "answers[0].criteria"),
        ({"criteria": [DEPTH, DEPTH]}, "answers[0].criteria[1].name"),
        ({"criteria": [DEPTH, {"name": "Style", "score": 1}]}, "answers[0].criteria[1].name"),
        ({"criteria": [DEPTH, {"name": "Clarity", "score": 4.5}]}, "answers[0].criteria[1].score"),
        ({"criteria": [DEPTH, {"name": "Clarity"}]}, "answers[0].criteria[1].score"),
        ({"score": 8, "criteria": [DEPTH, {"name": "Clarity", "score": 1}]}, "answers[0].score"),
    ],
)
def test_no_review_leaves_the_marks(data, path):
    """More than the marks, less than nothing, another type or half a rubric is refused under its path."""
    _, review, faults = _review(data)
    assert review is None
    assert path in [fault.path for fault in faults]
