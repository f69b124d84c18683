"""Whatever JSON arrives is taken or refused by name, and what is taken can be shown and scored."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rocket_server.assessments.answers import read_answer, stored_answer
from rocket_server.assessments.definition import read_test
from rocket_server.assessments.model import KINDS
from rocket_server.assessments.questions import parse_question, read_question
from rocket_server.assessments.rules import parse_criteria, parse_rule
from rocket_server.assessments.scoring import score_answer
from rocket_server.assessments.taker import answer_as_shown, correct_answer, for_taker
from rocket_server.errors import InvalidPayload

NAMES = st.sampled_from(
    [
        "text",
        "type",
        "marks",
        "options",
        "isCorrect",
        "blankIndex",
        "matchWith",
        "allowPartialScoring",
        "params",
        "rubric",
        "criteria",
        "name",
        "maxScore",
        "media",
        "image",
        "status",
        "gradingType",
        "negativeMarks",
        "selectedOptionIds",
        "blanks",
        "matches",
        "optionId",
        "questionOptionId",
        "ordering",
        "title",
        "attempts",
        "startDate",
        "ruleType",
        "numberOfQuestions",
        "poolSize",
        "questionTypes",
    ]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=5),
    st.sampled_from([*KINDS, "published", "quiz", "feedback", 10**30, "2026-01-01T00:00:00Z"]),
    st.sampled_from(["\x00", "\ud800"]),
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=8)),
    max_leaves=25,
)
OPTION = st.fixed_dictionaries(
    {"text": st.sampled_from(["a", "b", ""])},
    optional={
        "isCorrect": st.booleans(), "blankIndex": st.integers(0, 3), "matchWith": st.sampled_from(["x", "y"]),
        "marks": st.sampled_from([0, 1, -1, 0.5]), "caseSensitive": st.booleans(),
    },
)  # fmt: skip
# Nearly questions: most are faulty in one way, and many are good.
QUESTION = st.fixed_dictionaries(
    {"text": st.just("z"), "type": st.sampled_from(KINDS), "options": st.lists(OPTION, max_size=4)},
    optional={
        "marks": st.sampled_from([0, 1, 2]), "allowPartialScoring": st.booleans(),
        "negativeMarks": st.sampled_from([0, 1]), "gradingType": st.sampled_from(["quiz", "feedback"]),
        "status": st.sampled_from(["draft", "published"]), "params": JSON,
    },
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_or_refused(data):
    """No document makes a reader of questions, rules, criteria or tests fail in another way."""
    for read in (parse_question, parse_criteria, read_test, lambda given: parse_rule(given, rule_id="r")):
        with contextlib.suppress(InvalidPayload):
            read(data)


@settings(max_examples=300)
@given(QUESTION, JSON)
def test_what_is_taken_can_be_shown_and_scored(data, answer):
    """A question that was taken is written, read again and shown, and scores any answer, stored ones too."""
    question, faults = read_question(data)
    assert (question is None) is bool(faults)
    if question is None:
        return
    assert parse_question(json.loads(json.dumps(question.as_json()))) == question
    json.dumps([for_taker(question, None), for_taker(question, "seed"), correct_answer(question)])
    read, wrong = read_answer(question, answer)
    for given_answer in (stored_answer(question.kind, answer), *([] if wrong else [read])):
        score = score_answer(question, given_answer)
        assert score.marks is None or question.lowest <= score.marks <= question.marks
        json.dumps(answer_as_shown(question, given_answer, with_correct=True), allow_nan=False)
    if not wrong:
        assert read_answer(question, read.as_json()) == (read, [])
