"""Patterns of callers: what is taken, what isn't and why, and what an older release had taken."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from rocket_server.conditions.patterns import PatternError, check_pattern, searcher
from rocket_server.errors import InvalidPayload
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import CompiledRule
from rocket_server.rules.evaluate import NOTHING
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule, parse_rules

from .helpers import event


def written(conditions: dict[str, Any]) -> dict[str, Any]:
    """A rule about completed quizzes."""
    return {"trigger": "quiz.completed", "conditions": conditions, "actions": {"award_points": 10}}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?=a)b", "condition of its own"),
        ("(?!a)b", "{not: {…}}"),
        ("(?<=a)b", "look-behind"),
        (r"(a)\1", "back-references"),
        ("(?P<x>a)(?P=x)", "back-references"),
        ("(?>a)b", "(?:…)"),
        ("a++", "possessive"),
        ("(?x) a b", "the flag x"),
        ("a{1001}", "at most 1000"),
        ("(.{0,200}){0,200}x", "at most 1000"),
        ("(.{1,30}){30}x", "too large"),
        ("x" * 201, "200 characters"),
        ("(a", "missing )"),
    ],
)
def test_patterns_that_cannot_be_said_in_linear_time_are_refused(pattern: str, words: str):
    """What RE2 doesn't have, and what makes a large program, isn't taken; the message says what to do."""
    with pytest.raises(PatternError) as refused:
        check_pattern(pattern)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "pattern", ["^(?:a?){24}!", "(a+)+$", "(a|aa)+$", "(a*)*b", ".*a.*b.*c.*d", "a*a*a*a*x"]
)
def test_patterns_that_hang_other_engines_are_small(pattern: str):
    """What makes a backtracking engine explode is a small program here, and comes to an end."""
    assert check_pattern(pattern) < 200
    assert not searcher(pattern)("a" * 200 + "?" * 100_000)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(?i)food|A", "a", True),
        (r"^[a-z]+@[a-z]+\.org$", "ann@example.org", True),
        (r"^[a-z]+@[a-z]+\.org$", "ann@example.org\n", False),
        (r"ab\Z", "ab", True),
        (r"ab\Z", "ab ", False),
        ("^a{,2}$", "aa", True),
        ("^a{,2}$", "aaa", False),
        ("^[{,2}]+$", "{,2}", True),
        ("^\\u00e9t[\\u00e9-\\u00eb]$", "été", True),
        ("(?i)ÉTÉ", "été", True),
        (r"^\pL+$", "été", True),
        (r"^\w+$", "été", False),
        ("^Advanced food", "Advanced food safety", True),
        ("^food", "Advanced food safety", False),
        ("(?:b)", "a" * 255 + "b", True),
        ("(?:b)", "a" * 256 + "b", False),
        ("bc", "a" * 255 + "bc", False),
        ("b", "a" * 255 + "b", True),
        ("b", "a" * 256 + "b", False),
        ("b$", "é" * 255 + "b", True),
        ("a", "\ud800a", True),
    ],
)
def test_patterns_are_searched_for_in_the_first_characters(pattern: str, text: str, found: bool):
    """Patterns are found anywhere in the first 256 characters; Python's own spellings of RE2's signs work."""
    check_pattern(pattern)
    assert searcher(pattern)(text) is found


def test_the_patterns_of_a_rule_are_bounded_together():
    """Many large patterns are refused in one rule, and are fine in several."""
    patterns = [{"title": {"matches": rf"{number}\pL"}} for number in range(9)]
    with pytest.raises(InvalidPayload) as refused:
        parse_rule(written(conditions={"all": patterns}))
    assert refused.value.details["field"] == "conditions.all[8].title.matches"
    rules = [written(conditions=one) | {"rule_id": f"r{number}"} for number, one in enumerate(patterns)]
    assert len(parse_rules(rules)) == 9


def test_conditions_are_counted_for_each_rule():
    """51 rules of two conditions are taken at once: the bound of 100 is about one rule."""
    rules = [written(conditions={"a": 1, "b": 2}) | {"rule_id": f"r{number}"} for number in range(51)]
    assert len(parse_rules(rules)) == 51


def test_a_stored_pattern_that_is_not_taken_any_more_switches_its_rule_off():
    """A rule with a pattern of an earlier release is read: it is off, says why, and keeps its text."""
    data = written(conditions={"title": {"matches": "(?x) a b"}})
    rule = parse_rule(data, stored=True)
    assert (rule.active, rule.status) == (False, "inactive")
    assert rule.fault is not None
    assert rule.fault.startswith("conditions.title.matches: the flag x")
    assert rule.trigger.conditions.as_dict() == {"title": {"matches": "(?x) a b"}}
    decision = CompiledRule(RuleVersion(rule, 1), Calendar(UTC)).decide(event(), lambda probe: NOTHING)
    assert decision.outcome == "inactive"
    with pytest.raises(InvalidPayload):
        parse_rule(data)
