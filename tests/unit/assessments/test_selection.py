"""Rules choose questions: each once, the same for the same seed, and short only where it must be."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocket_server.assessments.model import LEVELS
from rocket_server.assessments.rules import Candidate, Criteria, Rule, parse_criteria, parse_rule
from rocket_server.assessments.selection import (
    MAX_RULES,
    TooMuch,
    bounded,
    choose,
    draw,
    metadata,
    preview,
)
from rocket_server.errors import InvalidPayload

D = Decimal
RULE = {
    "name": "easy mcq", "ruleType": "difficulty_based", "testId": "t", "sectionId": "s",
    "numberOfQuestions": 1, "poolSize": 2, "selectionStrategy": "random", "priority": 1,
    "criteria": {"difficultyLevels": ["easy"], "questionTypes": ["mcq"]},
}  # fmt: skip


def _bank(*levels):
    return [Candidate(f"q{place}", "mcq", level, D(1)) for place, level in enumerate(levels)]


def _rule(name, count, *levels, **more):
    more = {"pool_size": count} | more
    return Rule(name, name, count, criteria=Criteria(levels=frozenset(levels)), **more)


def test_a_rule_comes_back_as_it_was_written():
    """A rule in the API's spelling reads as the same rule from what it says of itself."""
    rule = parse_rule(RULE, rule_id="r")
    assert parse_rule(rule.as_json(), rule_id="r") == rule
    assert {**RULE, "selectionMode": "DYNAMIC", "isActive": True}.items() <= rule.as_json().items()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": None}, "name"),
        ({"ruleType": "other"}, "ruleType"),
        ({"numberOfQuestions": None}, "numberOfQuestions"),
        ({"numberOfQuestions": 0}, "numberOfQuestions"),
        ({"numberOfQuestions": 501, "poolSize": 600}, "numberOfQuestions"),
        ({"numberOfQuestions": 3}, "poolSize"),
        ({"poolSize": 1.5}, "poolSize"),
        ({"selectionStrategy": "best"}, "selectionStrategy"),
        ({"selectionMode": "SOMETIMES"}, "selectionMode"),
        ({"minMarks": 3, "maxMarks": 2}, "minMarks"),
        ({"criteria": {"difficultyLevels": ["odd"]}}, "criteria.difficultyLevels[0]"),
        ({"criteria": {"questionTypes": "mcq"}}, "criteria.questionTypes"),
        ({"criteria": {"marks": [1, "2"]}}, "criteria.marks[1]"),
        ({"criteria": {"tags": ["x"]}}, "criteria.tags"),
        ({"foo": 1}, "foo"),
    ],
)
def test_a_faulty_rule_is_refused_by_the_field_at_fault(change, path):
    """What a rule can't be is named by its path."""
    with pytest.raises(InvalidPayload) as refused:
        parse_rule({**RULE, **change}, rule_id="r")
    assert path in [error["path"] for error in refused.value.details["errors"]]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, ["a", "b", "c"]),
        ({"categories": ["x"]}, ["a"]),
        ({"difficultyLevels": ["easy", "hard"]}, ["a", "c"]),
        ({"questionTypes": ["essay"]}, ["b"]),
        ({"marks": [2.0]}, ["b", "c"]),
        ({"includeQuestionIds": ["a", "c"], "excludeQuestionIds": ["a"]}, ["c"]),
        ({"categories": ["x"], "marks": [2]}, []),
    ],
)
def test_criteria_narrow_what_is_found(criteria, found):
    """Each criterion that is named must be met; an empty one asks nothing."""
    bank = [
        Candidate("a", "mcq", "easy", D(1), "x"),
        Candidate("b", "essay", "medium", D("2.00"), "y"),
        Candidate("c", "mcq", "hard", D(2)),
    ]
    rule = Rule("r", "r", 3, 3, criteria=parse_criteria(criteria), strategy="sequential")
    assert list(choose([rule], bank, "seed")[0].question_ids) == found


def test_marks_have_bounds():
    """minMarks and maxMarks are themselves taken."""
    bank = [Candidate(str(marks), "mcq", "easy", D(marks)) for marks in range(1, 6)]
    rule = Rule("r", "r", 5, 5, min_marks=D(2), max_marks=D(4), strategy="sequential")
    assert choose([rule], bank, "seed")[0].question_ids == ("2", "3", "4")


def test_the_same_seed_chooses_the_same():
    """A seed decides the choice, whatever else was chosen before; another seed decides otherwise."""
    bank = _bank(*["easy"] * 50)
    chosen = [choose([_rule("r", 10)], bank, seed)[0].question_ids for seed in ("one", "one", "two")]
    assert chosen[0] == chosen[1] != chosen[2]
    first = choose([_rule("r", 10, strategy="sequential")], bank, "any")[0].question_ids
    assert first == tuple(f"q{place}" for place in range(10))


def test_what_was_asked_less_often_is_likelier():
    """`weighted` prefers questions that tests asked less often, and leaves none out for ever."""
    bank = [Candidate(f"q{used}", "mcq", "easy", D(1), times_used=used) for used in (0, 3)]
    rule = _rule("r", 1, strategy="weighted")
    counts = Counter(choose([rule], bank, f"seed {number}")[0].question_ids[0] for number in range(1000))
    assert 700 < counts["q0"] < 900  # four times as likely: 800 of 1000
    uniform = Counter(
        choose([_rule("r", 1)], bank, f"seed {number}")[0].question_ids[0] for number in range(1000)
    )
    assert 400 < uniform["q0"] < 600


def test_rules_share_the_bank():
    """An earlier rule gives way where it can do with another question: a narrow one isn't left short."""
    bank = _bank("easy", "easy", "hard", "medium")
    wide, narrow = _rule("wide", 2, strategy="sequential"), _rule("zz", 2, "easy", strategy="sequential")
    chosen = choose([wide, narrow], bank, "seed")
    assert [set(each.question_ids) for each in chosen] == [{"q2", "q3"}, {"q0", "q1"}]
    assert [each.why() for each in chosen] == [None, None]


def test_what_lacks_is_explained():
    """A rule that comes out short says what it found, and what would be found without one criterion."""
    bank = [*_bank("easy", "hard", "hard"), Candidate("e", "essay", "easy", D(1))]
    rule = Rule("r", "r", 3, 3, criteria=Criteria(levels=frozenset({"easy"}), kinds=frozenset({"mcq"})))
    chosen = choose([rule], bank, "seed")
    shown = preview(chosen, bank)
    assert shown["sufficient"] is False
    assert shown["rules"][0]["lacking"] == 2
    assert shown["rules"][0]["reason"] == (
        "needs 3 questions and finds 1; without difficultyLevels it would find 3; "
        "without questionTypes it would find 2"
    )
    crowded = choose([_rule("a", 2, "easy"), _rule("b", 2, "easy")], _bank("easy", "easy", "easy"), "s")
    assert [each.lacking for each in crowded] == [0, 1]
    assert crowded[1].why() == "needs 2 questions and finds 3, of which other rules need all but 1"


def test_rules_that_rest_choose_nothing():
    """A rule that isn't active takes no part."""
    assert choose([_rule("r", 5, is_active=False)], [], "seed") == []


def test_a_pool_is_chosen_once_and_drawn_from():
    """Preselected pools hold what each rule needs and more where there is more; attempts draw from them."""
    bank = _bank(*["easy"] * 8, "hard")
    rules = [_rule("a", 2, "easy", pool_size=6), _rule("b", 2, pool_size=6)]
    pools = choose(rules, bank, "published", pools=True)
    assert [len(each.question_ids) for each in pools] == [6, 3]
    assert not set(pools[0].question_ids) & set(pools[1].question_ids)
    assert [each.lacking for each in pools] == [0, 0]
    drawn = draw(rules[0], pools[0].question_ids, "attempt")
    assert len(drawn) == 2
    assert set(drawn) <= set(pools[0].question_ids)
    assert drawn == draw(rules[0], pools[0].question_ids, "attempt")


def test_a_test_is_bounded():
    """More rules, questions or candidates than one test may have are refused before anything is chosen."""
    with pytest.raises(TooMuch, match="50 active rules"):
        choose([_rule(str(number), 1) for number in range(MAX_RULES + 1)], [], "s")
    with pytest.raises(TooMuch, match="500 questions"):
        choose([_rule("a", 300), _rule("b", 300)], [], "s")
    with pytest.raises(TooMuch, match="among at most"):
        choose([_rule("a", 1)], _bank("easy") * 10_001, "s")


def test_metadata_counts():
    """Sums and counts are those of the peer's preview, numbers as numbers."""
    bank = [Candidate("a", "mcq", "easy", D(2), "x"), Candidate("b", "match", "easy", D("1.50"))]
    assert metadata(bank) == {
        "totalQuestions": 2, "totalMarks": 3.5, "marksDistribution": {"2": 1, "1.5": 1}, "averageMarks": 1.75,
        "questionTypes": {"mcq": 1, "match": 1}, "difficultyLevels": {"easy": 2}, "categories": {"x": 1},
    }  # fmt: skip
    assert metadata([])["averageMarks"] == 0


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(LEVELS), max_size=7),
    st.lists(
        st.tuples(st.integers(1, 3), st.lists(st.sampled_from(LEVELS), max_size=2)), min_size=1, max_size=3
    ),
    st.text(max_size=3),
)
def test_no_choice_could_give_more(levels, wanted, seed):
    """For any bank and rules: nothing twice, nothing that doesn't match, and no larger choice exists."""
    bank = _bank(*levels)
    rules = [_rule(f"r{place}", count, *names) for place, (count, names) in enumerate(wanted)]
    chosen = choose(rules, bank, seed)
    ids = [one for each in chosen for one in each.question_ids]
    assert len(ids) == len(set(ids))
    known = {candidate.id: candidate for candidate in bank}
    for each in chosen:
        assert len(each.question_ids) <= each.rule.count
        allowed = each.rule.criteria.levels or set(LEVELS)
        assert all(known[one].level in allowed for one in each.question_ids)
    slots = [each.rule.criteria.levels or set(LEVELS) for each in chosen for _ in range(each.rule.count)]
    assert len(ids) == _most(slots, Counter(levels))


def _most(slots, left):
    """The size of the largest choice, by trying everything."""
    if not slots:
        return 0
    most = _most(slots[1:], left)
    for level in slots[0]:
        if left[level]:
            left[level] -= 1
            most = max(most, 1 + _most(slots[1:], left))
            left[level] += 1
    return most


def test_a_bounded_pool_still_has_what_narrow_rules_need():
    """Among many candidates few are kept, in their order: what each rule was given, and by turns what each
    would take next."""
    bank = [*_bank(*["easy"] * 3000), *(Candidate(f"h{place}", "mcq", "hard", D(1)) for place in range(6))]
    rules = [_rule("wide", 3), _rule("narrow", 5, "hard"), _rule("first", 2, "easy", strategy="sequential")]
    kept = bounded(rules, bank, choose(rules, bank, "paper"), "paper", 100)
    assert len(kept) == 100
    assert kept == [one.id for one in bank if one.id in set(kept)]
    assert {f"h{place}" for place in range(6)} <= set(kept)
    assert {"q0", "q1"} <= set(kept)
    pool = [one for one in bank if one.id in set(kept)]
    for attempt in range(20):
        assert [each.lacking for each in choose(rules, pool, str(attempt))] == [0, 0, 0]
