"""Answers as they arrive: what fits the question is kept, everything else is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocket_server.assessments.answers import Choice, parse_answer, stored_answer, too_short
from rocket_server.assessments.questions import parse_question
from rocket_server.errors import InvalidPayload

FIXTURES = Path(__file__).parents[2] / "fixtures" / "assessments"
TABLES = json.loads((FIXTURES / "scoring.json").read_text())
ANSWERS = [
    (table["question"], case["answer"])
    for table in TABLES
    for case in table["cases"]
    if case.get("answer") is not None
]

CHOICE = {"type": "mcq", "text": "z", "marks": 1, "options": [
    {"questionOptionId": "a", "text": "a", "isCorrect": True},
    {"questionOptionId": "b", "text": "b"}]}  # fmt: skip
BLANKS = {"type": "fill_blank", "text": "_ _", "marks": 1, "options": [
    {"text": "a", "blankIndex": 0}, {"text": "b", "blankIndex": 1}]}  # fmt: skip
MATCH = {"type": "match", "text": "z", "marks": 1, "options": [
    {"questionOptionId": "a", "text": "a", "matchWith": "x"},
    {"questionOptionId": "b", "text": "b", "matchWith": "y"}]}  # fmt: skip
TEXT = {"type": "essay", "text": "z", "marks": 1, "params": {"maxLength": 20, "wordLimit": 3, "minLength": 4}}


@pytest.mark.parametrize(("question", "answer"), ANSWERS)
def test_an_answer_comes_back_as_it_was_given(question, answer):
    """What is stored of an answer reads as the same answer, strictly and gently."""
    read = parse_question(question)
    given = parse_answer(read, answer)
    assert parse_answer(read, given.as_json()) == given == stored_answer(read.kind, given.as_json())


@pytest.mark.parametrize(
    ("question", "answer", "path"),
    [
        (CHOICE, ["a"], "answer"),
        (CHOICE, "a", "answer"),
        (CHOICE, {"text": "a"}, "answer.text"),
        (CHOICE, {"selectedOptionIds": "a"}, "answer.selectedOptionIds"),
        (CHOICE, {"selectedOptionIds": ["c"]}, "answer.selectedOptionIds[0]"),
        (CHOICE, {"selectedOptionIds": [{"id": "a"}]}, "answer.selectedOptionIds[0]"),
        (CHOICE, {"selectedOptionIds": ["a", "b"]}, "answer.selectedOptionIds"),
        (CHOICE, {"selectedOptionIds": ["a"] * 201}, "answer.selectedOptionIds"),
        (BLANKS, {"blanks": "a"}, "answer.blanks"),
        (BLANKS, {"blanks": ["a", "b", "c"]}, "answer.blanks"),
        (BLANKS, {"blanks": ["a", 2]}, "answer.blanks[1]"),
        (BLANKS, {"blanks": ["a", "x" * 1001]}, "answer.blanks[1]"),
        (BLANKS, {"blanks": [{"text": "a"}]}, "answer.blanks[0].blankIndex"),
        (
            BLANKS,
            {"blanks": [{"blankIndex": 0, "text": "a"}, {"blankIndex": 0, "text": "b"}]},
            "answer.blanks[1].blankIndex",
        ),
        (MATCH, {"matches": ["A-1"]}, "answer.matches[0]"),
        (MATCH, {"matches": [{"matchWith": "x"}]}, "answer.matches[0].optionId"),
        (MATCH, {"matches": [{"optionId": "c", "matchWith": "x"}]}, "answer.matches[0].optionId"),
        (MATCH, {"matches": [{"optionId": "a", "matchWith": "z"}]}, "answer.matches[0].matchWith"),
        (
            MATCH,
            {"matches": [{"optionId": "a", "matchWith": "x"}, {"optionId": "a", "matchWith": "y"}]},
            "answer.matches[1].optionId",
        ),
        (TEXT, {"text": 5}, "answer.text"),
        (TEXT, {"text": "x" * 21}, "answer.text"),
        (TEXT, {"text": "a b c d"}, "answer.text"),
        (TEXT, {"text": "a\x00"}, "answer.text"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(question, answer, path):
    """An answer of another form, to an unknown option or beyond a bound is refused under its path."""
    with pytest.raises(InvalidPayload) as refused:
        parse_answer(parse_question(question), answer)
    assert path in [error["path"] for error in refused.value.details["errors"]]


@pytest.mark.parametrize("question", [CHOICE, BLANKS, MATCH, TEXT])
@pytest.mark.parametrize(
    "answer", [{}, None, 5, [], "x", {"selectedOptionIds": 7, "blanks": 7, "matches": 7, "text": 7}]
)
def test_whatever_was_stored_can_be_scored(question, answer):
    """An answer that was stored in another form is no answer, and never an error."""
    assert stored_answer(parse_question(question).kind, answer).is_empty


def test_an_option_is_picked_once():
    """The same option named twice is one choice."""
    assert parse_answer(parse_question(CHOICE), {"selectedOptionIds": ["b", "b"]}) == Choice(("b",))


def test_a_text_that_was_begun_may_be_kept_and_not_handed_in():
    """Below the least length a text is kept, since the learner goes on; handing it in says why not."""
    question = parse_question(TEXT)
    assert (
        too_short(question, parse_answer(question, {"text": "abc"}))
        == "must have at least 4 characters, has 3"
    )
    assert too_short(question, parse_answer(question, {"text": "abcd"})) is None
    assert too_short(question, parse_answer(question, {})) is None
