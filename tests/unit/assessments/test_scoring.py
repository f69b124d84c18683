"""What answers earn: tables of each kind at its edges, and what holds for any question."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rocket_server.assessments.answers import Blanks, Choice, Matches, parse_answer, stored_answer
from rocket_server.assessments.model import Option, Question
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.scoring import round_marks, score_answer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "assessments"
CASES = [
    pytest.param(table["question"], case, id=f"{table['about']}: {case['about']}")
    for table in json.loads((FIXTURES / "scoring.json").read_text())
    for case in table["cases"]
]


@pytest.mark.parametrize(("data", "case"), CASES)
def test_scoring_table(data, case):
    """Each answer of the tables earns what its row says."""
    question = parse_question(data)
    if "stored" in case:
        answer = stored_answer(question.kind, case["stored"])
    else:
        answer = None if case["answer"] is None else parse_answer(question, case["answer"])
    score = score_answer(question, answer)
    expected = None if case["score"] is None else Decimal(case["score"])
    assert (score.marks, score.is_correct) == (expected, case["correct"])


MARKS = st.integers(1, 1000).map(lambda cents: Decimal(cents) / 100)
PARTS = st.integers(0, 10**9).map(lambda parts: Decimal(parts) / 10**9)


@st.composite
def choices(draw, *, several: bool) -> Question:
    """A choice question with right and wrong options, costs and negative marks of any size."""
    marks = draw(MARKS)
    right = draw(st.integers(1, 4)) if several else 1
    wrong = draw(st.integers(0 if several else 1, 4))
    costs = draw(st.booleans())
    options = [Option(f"r{index}", "x", True) for index in range(right)]
    options += [
        Option(f"w{index}", "x", False, -draw(PARTS) * marks if costs else Decimal(0))
        for index in range(wrong)
    ]
    return Question(
        "multiple_answer" if several else "mcq", "x", marks, tuple(draw(st.permutations(options))),
        allow_partial_scoring=several and draw(st.booleans()), negative_marks=draw(PARTS) * marks,
    )  # fmt: skip


@st.composite
def blanks(draw) -> Question:
    """A question of up to five blanks with up to two accepted words each."""
    options = [
        Option(f"{index}.{word}", f"{index} {word}", True, blank_index=index)
        for index in range(draw(st.integers(1, 5)))
        for word in range(draw(st.integers(1, 2)))
    ]
    marks = draw(MARKS)
    return Question(
        "fill_blank", "x", marks, tuple(draw(st.permutations(options))),
        allow_partial_scoring=draw(st.booleans()), negative_marks=draw(PARTS) * marks,
    )  # fmt: skip


@st.composite
def matchings(draw) -> Question:
    """A matching question with up to five pairs and a target that belongs to nothing."""
    options = [
        Option(f"o{index}", "x", True, match_with=f"t{index}") for index in range(draw(st.integers(2, 5)))
    ]
    options.append(Option("extra", "", False, match_with="t9"))
    marks = draw(MARKS)
    return Question(
        "match", "x", marks, tuple(draw(st.permutations(options))),
        allow_partial_scoring=draw(st.booleans()), negative_marks=draw(PARTS) * marks,
    )  # fmt: skip


@st.composite
def answered(draw):
    """Any question with a key, and any answer to it."""
    question = draw(st.one_of(choices(several=True), choices(several=False), blanks(), matchings()))
    ids = [option.id for option in question.options] + ["gone"]
    if question.kind == "fill_blank":
        words = st.sampled_from([option.text for option in question.options] + ["", "wrong"])
        return question, Blanks(tuple(draw(st.lists(words, max_size=7))))
    if question.kind == "match":
        targets = st.sampled_from([option.match_with or "" for option in question.options] + ["gone"])
        return question, Matches(tuple(draw(st.dictionaries(st.sampled_from(ids), targets)).items()))
    return question, Choice(tuple(draw(st.lists(st.sampled_from(ids), unique=True))))


@given(answered())
def test_no_answer_leaves_the_bounds(case):
    """A score lies between the question's lowest and its marks, with two decimals; correct means all."""
    question, answer = case
    score = score_answer(question, answer)
    assert score.marks is not None
    assert question.lowest <= score.marks <= question.marks
    assert -question.marks <= score.marks
    assert score.marks == round(score.marks, 2)
    assert not score.is_correct or score.marks == question.marks


@given(answered())
def test_no_answer_costs_nothing(case):
    """Whatever a wrong answer costs, leaving a question out costs nothing."""
    question, answer = case
    assert score_answer(question, None).marks == 0
    assert score_answer(question, type(answer)()).marks == 0


@given(answered(), st.randoms(use_true_random=False))
def test_order_does_not_matter(case, random):
    """The order of options in the question, of picks and of pairs changes no score."""
    question, answer = case
    options = list(question.options)
    random.shuffle(options)
    turned = Question(
        question.kind, question.text, question.marks, tuple(options),
        allow_partial_scoring=question.allow_partial_scoring, negative_marks=question.negative_marks,
    )  # fmt: skip
    if isinstance(answer, Choice | Matches):
        parts = list(answer.option_ids if isinstance(answer, Choice) else answer.pairs)
        random.shuffle(parts)
        answer = type(answer)(tuple(parts))
    assert score_answer(turned, answer) == score_answer(question, answer)


@given(choices(several=True), st.data())
def test_one_more_right_option_never_costs_and_one_more_wrong_never_pays(question, data):
    """With partial marks, picking one more right option lowers no score, and one more wrong raises none."""
    assume(question.allow_partial_scoring)
    ids = [option.id for option in question.options]
    picked = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1))
    added = data.draw(st.sampled_from(ids))
    before = score_answer(question, Choice(tuple(picked))).marks
    after = score_answer(question, Choice(tuple(dict.fromkeys([*picked, added])))).marks
    assert (after >= before) if added.startswith("r") else (after <= before)


@given(choices(several=True))
def test_picking_every_option_does_not_pay(question):
    """Picking all options earns nothing where wrong ones have no marks of their own, and never all."""
    wrong = [option for option in question.options if not option.is_correct]
    assume(wrong)
    score = score_answer(question, Choice(tuple(option.id for option in question.options)))
    if all(not option.marks for option in wrong):
        assert score.marks <= 0
    else:
        assert score.marks < question.marks or all(option.marks > Decimal("-0.005") for option in wrong)
    assert not score.is_correct


@given(blanks(), st.data())
def test_one_more_right_blank_never_costs(question, data):
    """Filling one more blank rightly lowers no score, and a short list earns no more than its own blanks."""
    right = [words[0].text for words in question.blanks]
    texts = [data.draw(st.sampled_from([text, "wrong", ""])) for text in right]
    assume(any(texts))
    index = data.draw(st.integers(0, len(texts) - 1))
    better = [*texts[:index], right[index], *texts[index + 1 :]]
    assert (
        score_answer(question, Blanks(tuple(better))).marks
        >= score_answer(question, Blanks(tuple(texts))).marks
    )
    short = score_answer(question, Blanks(tuple(right[:-1])))
    if len(right) > 1:
        assert short.marks < question.marks or question.marks < Decimal("0.05")
        assert not short.is_correct


@given(answered())
def test_all_that_is_right_earns_all(case):
    """The key itself earns the question's marks."""
    question, _ = case
    if question.kind == "fill_blank":
        key = Blanks(tuple(words[-1].text for words in question.blanks))
    elif question.kind == "match":
        key = Matches(tuple((option.id, option.match_with) for option in question.pairs))
    else:
        key = Choice(tuple(option.id for option in question.options if option.is_correct))
    score = score_answer(question, key)
    assert (score.marks, score.is_correct) == (question.marks, True)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("1/3", "0.33"), ("2/3", "0.67"), ("1/200", "0.01"), ("-1/200", "-0.01"), ("0", "0"), ("1/400", "0")],
)
def test_marks_are_rounded_half_away_from_zero(value, rounded):
    """Two decimals, and half a hundredth goes away from zero."""
    assert round_marks(Fraction(value)) == Decimal(rounded)
