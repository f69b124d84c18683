"""A published test: drawn the same each time, scored by its own questions, read as it was written."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from rocket_server.assessments.papers import Entry, Paper, in_order, read_paper
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.rules import Criteria, Rule
from rocket_server.assessments.scoring import Score

D = Decimal


def _question(name, **fields):
    data = {"type": "mcq", "text": name, "marks": 2, "status": "published", "options": [
        {"questionOptionId": "r", "text": "right", "isCorrect": True},
        {"questionOptionId": "w", "text": "wrong"}]}  # fmt: skip
    return parse_question({**data, **fields}, question_id=name)


def _paper(entries, *rules, **settings):
    fixed = {"questions_shuffle": True, "answers_shuffle": True} | settings
    return Paper(
        "p", "t", "Unit 1", "quiz", None, D(20), D(2), allow_resubmission=False,
        section_ids=("s1", "s2"), entries=in_order(entries), rules=rules, **fixed,
    )  # fmt: skip


FIXED = [Entry(_question(f"a{place}"), "s1", is_compulsory=place == 0) for place in range(5)]
POOL = [Entry(_question(f"b{place}", level="hard"), times_used=place) for place in range(8)]
ASIDE = [Entry(_question(f"c{place}"), "s2", rule_id="aside") for place in range(4)]
DYNAMIC = Rule(
    "any", "any", 3, 3, section_id="s2", test_id="t", criteria=Criteria(levels=frozenset({"hard"}))
)
PRESELECTED = Rule("aside", "aside", 2, 4, section_id="s2", test_id="t", mode="PRESELECTED")
WHOLE = _paper([*FIXED, *POOL, *ASIDE], DYNAMIC, PRESELECTED)


def test_a_paper_is_read_as_it_was_written():
    """What is stored of a paper reads as the same paper, keys, rules and all."""
    assert read_paper("p", "t", json.loads(json.dumps(WHOLE.as_json()))) == WHOLE


def test_an_attempt_has_all_its_questions_once_and_in_its_own_order():
    """Each attempt has the fixed questions and what the rules choose, section by section, in one order."""
    drawn = {seed: WHOLE.draw(seed) for seed in ("one", "two", "three")}
    for seed, ids in drawn.items():
        assert WHOLE.draw(seed) == ids
        assert len(set(ids)) == len(ids) == 5 + 3 + 2
        assert set(ids[:5]) == {f"a{place}" for place in range(5)}
        assert sorted(one[0] for one in ids[5:]) == ["b", "b", "b", "c", "c"]
    assert len({tuple(ids) for ids in drawn.values()}) == 3


def test_a_fixed_order_is_the_authors():
    """Without shuffling, questions stand as they were put, and options have no seed."""
    paper = replace(WHOLE, questions_shuffle=False, answers_shuffle=False)
    assert paper.draw("one")[:5] == [f"a{place}" for place in range(5)]
    assert (paper.options_seed("one"), WHOLE.options_seed("one")) == (None, "one")


def test_only_an_attempts_own_questions_are_scored():
    """Answers to other questions, also of the same paper, add nothing; what isn't answered scores 0."""
    right, wrong = {"selectedOptionIds": ["r"]}, {"selectedOptionIds": ["w"]}
    scores = WHOLE.score(["a0", "a1", "a2"], {"a0": right, "a1": wrong, "b0": right, "elsewhere": right})
    assert scores == {"a0": Score(D(2), True), "a1": Score(D(0), False), "a2": Score(D(0), False)}
    assert WHOLE.outcome(scores.values()).score == 2


def test_what_keeps_an_attempt_from_being_handed_in():
    """A compulsory question without an answer, and a written one below its least length."""
    essay = Entry(_question("e", type="essay", options=[], params={"minLength": 3}), "s1")
    paper = _paper([*FIXED, essay])
    asked = ["a0", "a1", "e"]
    assert paper.unanswered(asked, {"e": {"text": "x"}}) == ["a0"]
    assert paper.unanswered(asked, {"a0": {"selectedOptionIds": []}}) == ["a0"]
    assert paper.too_short(asked, {"e": {"text": "xy"}}) == ["e"]
    assert paper.too_short(asked, {"e": {"text": "xyz"}}) == paper.too_short(asked, {}) == []


def test_a_corrected_paper_differs_in_its_one_question():
    """A corrected key makes another paper, and the old one stays as it was."""
    changed = _question("a1", marks=3)
    paper = WHOLE.corrected("new", changed)
    assert (paper.paper_id, paper.question("a1").marks, WHOLE.question("a1").marks) == ("new", 3, 2)
    assert paper.entries["a1"] == replace(WHOLE.entries["a1"], question=changed)
    with pytest.raises(KeyError):
        WHOLE.question("elsewhere")
