"""A corrected key: which attempts change, and by how much."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.regrade import Change, Stored, Summary, changes, scoring_differs
from rocket_server.assessments.scoring import Score

D = Decimal
OLD = parse_question(
    {"type": "mcq", "text": "2 + 2?", "marks": 2, "options": [
        {"questionOptionId": "3", "text": "3", "isCorrect": True}, {"questionOptionId": "4", "text": "4"},
        {"questionOptionId": "5", "text": "5"}]}
)  # fmt: skip
NEW = replace(OLD, options=tuple(replace(option, is_correct=option.id == "4") for option in OLD.options))


def _stored(attempt, picked, marks, score, result, rest=0, passing=2):
    answer = None if picked is None else {"selectedOptionIds": [picked]}
    return Stored(
        attempt, answer, None if marks is None else D(marks), D(rest),
        None if score is None else D(score), result, D(passing),
    )  # fmt: skip


def test_only_attempts_whose_score_changes_are_named():
    """Whoever picked the new or the old right option changes; everybody else is left out."""
    stored = [
        _stored("rises", "4", 0, 0, "F"),
        _stored("falls", "3", 2, 2, "P"),
        _stored("wrong either way", "5", 0, 0, "F"),
        _stored("open", None, 0, 0, "F"),
        _stored("rises and had passed", "4", 0, 3, "P", rest=3),
    ]
    found = list(changes(NEW, stored))
    assert found == [
        Change("rises", D(0), Score(D(2), True), D(0), D(2), "F", "P"),
        Change("falls", D(2), Score(D(0), False), D(2), D(0), "P", "F"),
        Change("rises and had passed", D(0), Score(D(2), True), D(3), D(5), "P", "P"),
    ]
    summary = Summary()
    for change in found:
        summary.add(change)
    assert summary == Summary(changed=3, higher=2, lower=1, now_passed=1, now_failed=1)
    assert found[0].as_json() == {
        "attemptId": "rises", "oldMarks": 0, "newMarks": 2, "oldScore": 0, "newScore": 2, "oldResult": "F",
        "newResult": "P",
    }  # fmt: skip


def test_the_same_key_changes_nothing():
    """Scoring anew by the key that was used finds no change."""
    stored = [_stored("a", "3", 2, 2, "P"), _stored("b", "4", 0, 0, "F"), _stored("c", None, 0, 0, "F")]
    assert list(changes(OLD, stored)) == []


def test_a_pending_attempt_keeps_waiting():
    """An attempt without a score or result changes its answer's marks and gets no result from a key."""
    stored = [_stored("none", "4", 0, None, None), _stored("part", "4", 0, 1, None, rest=1)]
    found = list(changes(NEW, stored))
    assert [(one.new_score, one.new_result, one.new.marks) for one in found] == [
        (None, None, D(2)),
        (D(3), None, D(2)),
    ]


def test_negative_marks_never_pull_an_attempt_below_zero():
    """A total below zero becomes zero, before and after, and a remainder below zero is remembered."""
    costly = replace(NEW, negative_marks=D(2))
    stored = [_stored("a", "3", 2, 1, "F", rest=-1), _stored("b", "4", 0, 0, "F", rest=-1)]
    found = list(changes(costly, stored))
    assert [(one.new.marks, one.new_score) for one in found] == [(D(-2), D(0)), (D(2), D(1))]


def test_what_a_person_judged_stays():
    """A written answer keeps its reviewed marks, cut where the question is worth less now."""
    essay = parse_question({"type": "essay", "text": "z", "marks": 5})
    judged = Stored("a", {"text": "x"}, D(4), D(1), D(5), "P", D(2))
    assert list(changes(essay, [judged])) == []
    cut = list(changes(replace(essay, marks=D(3)), [judged]))
    assert [(one.new.marks, one.new_score) for one in cut] == [(D(3), D(4))]
    waiting = Stored("b", {"text": "x"}, None, D(1), D(1), None, D(2))
    assert list(changes(essay, [waiting])) == []


def test_an_option_that_went_is_simply_not_right():
    """An answer that names an option of the old key is scored by the new one without an error."""
    without = replace(NEW, options=NEW.options[1:])
    assert [one.new.marks for one in changes(without, [_stored("a", "3", 2, 2, "P")])] == [D(0)]


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (OLD, []),
        (replace(OLD, text="2 and 2?", options=OLD.options[::-1]), []),
        (replace(OLD, options=tuple(replace(one, text="x", feedback="y") for one in OLD.options)), []),
        (NEW, ["options"]),
        (replace(OLD, marks=D(3), negative_marks=D(1)), ["marks", "negativeMarks"]),
    ],
)
def test_only_what_decides_scores_asks_for_a_regrade(new, names):
    """A text or order that changes asks for none; key, marks and costs do."""
    assert scoring_differs(OLD, new) == names


def test_words_of_a_blank_decide_scores():
    """For blanks the text is the key."""
    words = [{"text": "a", "blankIndex": 0}]
    old = parse_question({"type": "fill_blank", "text": "_", "marks": 1, "options": words})
    new = replace(old, options=(replace(old.options[0], text="b"),))
    assert scoring_differs(old, new) == ["options"]
