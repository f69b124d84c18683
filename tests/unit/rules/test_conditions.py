"""What each operator means for each kind of value, and how a condition that isn't met is explained."""

from __future__ import annotations

from typing import Any

import pytest

from rocket_server.conditions.matching import compile_condition
from rocket_server.conditions.reading import Problems, read_conditions
from rocket_server.rules.evaluate import NOTHING

from .helpers import NOON, PARIS, compiled, event

ABSENT = object()


def holds(conditions: dict[str, Any], **properties: Any) -> bool:
    """Whether conditions hold for an event with these properties."""
    problems = Problems()
    read = read_conditions(conditions, "conditions", problems)
    assert not problems.errors, problems.errors
    return compile_condition(read, PARIS)(event(**properties))


@pytest.mark.parametrize(
    ("operator", "expected", "seen", "result"),
    [
        ("eq", 80, 80, True),
        ("eq", 80, "80", True),
        ("eq", 80, "80.0", True),
        ("eq", 80, 80.0, True),
        ("eq", "80", 80, True),
        ("eq", "80", "80", True),
        ("eq", "80", "80.0", False),
        ("eq", "007", "7", False),
        ("eq", 7, "007", True),
        ("eq", "a", "A", False),
        ("eq", True, True, True),
        ("eq", True, "1", True),
        ("eq", True, 1, True),
        ("eq", True, "true", True),
        ("eq", True, "yes", False),
        ("eq", False, "0", True),
        ("eq", False, False, True),
        ("eq", False, ABSENT, False),
        ("eq", False, "", False),
        ("eq", 1, True, True),
        ("eq", "1", True, True),
        ("eq", "01", True, False),
        ("eq", 0.0, False, True),
        ("eq", 2, True, False),
        ("eq", "a", ["a"], False),
        ("eq", "a", ABSENT, False),
        ("eq", "a", None, False),
        ("ne", 80, "80", False),
        ("ne", 80, "81", True),
        ("ne", "a", ABSENT, True),
        ("ne", "a", "", True),
        ("gt", 80, "80", False),
        ("gt", 80, "80.5", True),
        ("gt", "80", 81, True),
        ("gt", 9, "10", True),
        ("gte", 80, "85", True),
        ("gte", 80, "80.00000", True),
        ("gte", 80, "eighty", False),
        ("gte", 80, ABSENT, False),
        ("gte", 80, "", False),
        ("gte", 0, None, False),
        ("gte", 0, False, False),
        ("gte", 0, [1], False),
        ("gte", 0, "nan", False),
        ("gte", 0, float("inf"), False),
        ("lt", 80, 79, True),
        ("lt", 80, "80", False),
        ("lt", 0, "-1", True),
        ("lte", 80, 80, True),
        ("lte", 80, "80.1", False),
        ("lte", 80, ABSENT, False),
        ("gte", "2026-03-04", "2026-03-04T00:00:00+01:00", True),
        ("gte", "2026-03-04", "2026-03-03T22:59:59Z", False),
        ("gte", "2026-03-04", "2026-03-03T23:00:00Z", True),  # midnight in Paris
        ("lt", "2026-03-04T12:00:00Z", "2026-03-04T12:59:59", True),  # no zone: Paris
        ("lt", "2026-03-04T12:00:00Z", 1772625599, True),  # Unix seconds
        ("lt", "2026-03-04T12:00:00Z", "1772625600", False),
        ("lt", "2026-03-04T12:00:00Z", "soon", False),
        ("lt", "2026-03-04T12:00:00Z", "0001-01-01T00:00:00+14:00", False),
        ("in", ["123", 456], "123", True),
        ("in", ["123", 456], 123, True),
        ("in", ["123", 456], "456", True),
        ("in", ["123", 456], "0123", False),
        ("in", ["123", 456], ABSENT, False),
        ("not_in", ["123", 456], "456", False),
        ("not_in", ["123", 456], "789", True),
        ("not_in", ["123", 456], ABSENT, True),
        ("contains", "safe", "Food safety", True),
        ("contains", "Safe", "Food safety", False),
        ("contains", "a", ["a", "b"], True),
        ("contains", 1, ["1"], True),
        ("contains", "c", ["a", "b"], False),
        ("contains", "2", 123, True),
        ("contains", "a", ABSENT, False),
        ("starts_with", "FOOD", "FOOD-101", True),
        ("starts_with", "food", "FOOD-101", False),
        ("starts_with", "12", 123, True),
        ("starts_with", 12, "123", True),
        ("starts_with", "a", ["a"], False),
        ("starts_with", "a", ABSENT, False),
        ("matches", "^FOOD-[0-9]+$", "FOOD-101", True),
        ("matches", "[0-9]", "FOOD-101", True),
        ("matches", "^[0-9]+$", 101, True),
        ("matches", "^[0-9]+$", "FOOD-101", False),
        ("matches", ".*", ABSENT, False),
        ("matches", "^$", "", False),
        ("matches", "b", "a" * 256 + "b", False),
        ("exists", True, 0, True),
        ("exists", True, False, True),
        ("exists", True, "", False),
        ("exists", True, None, False),
        ("exists", True, ABSENT, False),
        ("exists", False, ABSENT, True),
        ("exists", False, "x", False),
    ],
)
def test_operator(operator: str, expected: Any, seen: Any, result: bool):
    """Each operator compares meanings and not types, and is sure about absent values."""
    properties = {} if seen is ABSENT else {"field": seen}
    assert holds({"field": {operator: expected}}, **properties) is result


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("event", "quiz.completed"),
        ("user_id", "u1"),
        ("source", "campus"),
        ("score", 5),
        ("properties.score", 5),
        ("properties.user_id", "inner"),
        ("metadata.event_id", "e1"),
        ("metadata.lms.site", "main"),
        ("deep.er.value", "x"),
        ("properties.deep.er.value", "x"),
        ("timestamp", "2026-03-04T12:00:00Z"),
        ("timestamp", "2026-03-04T13:00:00"),
        ("timestamp", 1772625600),
    ],
)
def test_paths(path: str, expected: Any):
    """A path finds the event's own fields first, and else the properties, with or without their name."""
    properties = {"score": "5", "user_id": "inner", "deep": {"er": {"value": "x"}}}
    assert holds({path: expected}, **properties)
    assert not holds({path: {"ne": expected}}, **properties)


def test_the_events_own_time_can_be_bounded():
    """`timestamp` is compared as a time, with RFC 3339 and with Unix seconds alike."""
    assert holds({"timestamp": {"gte": "2026-03-04", "lt": "2026-03-05"}})
    assert holds({"timestamp": {"gt": 1772625599, "lte": 1772625600}})
    assert not holds({"timestamp": {"gt": 1772625600}})
    assert holds({"timestamp": {"starts_with": "2026-03-04T12"}})


@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        ({}, True),
        ({"a": 1, "b": 2}, True),
        ({"a": 1, "b": 3}, False),
        ({"any": [{"a": 9}, {"b": 2}]}, True),
        ({"any": [{"a": 9}, {"b": 9}]}, False),
        ({"any": [{"a": 1, "b": 9}, {"c": {"exists": True}}]}, False),
        ({"all": [{"a": 1}, {"a": {"lt": 2}}]}, True),
        ({"all": [{"a": 1}, {"a": {"gt": 2}}]}, False),
        ({"not": {"a": 9}}, True),
        ({"not": {"a": 1, "b": 2}}, False),
        ({"not": {"a": 1, "b": 9}}, True),
        ({"not": {"any": [{"a": 9}, {"not": {"b": 2}}]}}, True),
        ({"a": 1, "any": [{"b": 2}], "not": {"c": 1}}, True),
        ({"deep.er": 1}, False),
        ({"a.b": 1}, False),
    ],
)
def test_groups(conditions: dict[str, Any], result: bool):
    """any, all and not nest, and what stands beside each other is joined by and."""
    assert holds(conditions, a=1, b="2") is result


def explained(**parts: Any) -> dict[str, Any]:
    """The detail of a decision about an event with a score of 70 that doesn't meet the conditions."""
    decision = compiled(**parts).decide(event(score="70", long="x" * 500), lambda probe: NOTHING)
    assert decision.outcome == "condition_not_met"
    assert decision.points == 0
    assert decision.marks == ()
    return decision.detail


def test_the_first_condition_that_failed_is_explained():
    """The detail names the first comparison that failed, what it expected, and what the event had."""
    assert explained(conditions={"score": {"gte": 60, "lt": 70}, "x": 1}) == {
        "path": "score", "operator": "lt", "expected": 70, "seen": "70",
    }  # fmt: skip
    assert explained(conditions={"course_id": {"in": ["1", "2"]}}) == {
        "path": "course_id", "operator": "in", "expected": ["1", "2"], "seen": None,
    }  # fmt: skip


def test_a_group_that_failed_is_explained_with_all_its_fields():
    """For any, all and not the detail has the group and the value of every field in it."""
    conditions = {"any": [{"score": {"gte": 80}}, {"passed": True}]}
    assert explained(conditions=conditions) == {
        "path": "any",
        "operator": "any",
        "expected": [{"score": {"gte": 80}}, {"passed": {"eq": True}}],
        "seen": {"score": "70", "passed": None},
    }
    assert explained(conditions={"not": {"score": 70}})["seen"] == {"score": "70"}
    assert explained(conditions={"all": [{"score": 1}]})["operator"] == "all"


def test_long_values_are_shown_short():
    """An explanation never stores a long value of the event again."""
    assert len(explained(conditions={"long": "y"})["seen"]) == 200


@pytest.mark.parametrize(("source", "outcome"), [("campus", "awarded"), ("moodle", "awarded")])
def test_a_source_is_matched_by_name_or_kind(source: str, outcome: str):
    """trigger.source is the name of a source or the kind of platform it is."""
    rule = compiled(trigger={"event": "quiz.completed", "source": source})
    assert rule.decide(event(), lambda probe: NOTHING).outcome == outcome


def test_another_source_is_explained():
    """An event of another source is told apart by its source in the detail."""
    detail = explained(trigger={"event": "quiz.completed", "source": "valamis"})
    assert detail == {"path": "source", "operator": "eq", "expected": "valamis", "seen": "campus"}


def test_the_decision_names_rule_version_and_time():
    """A decision names the version of the rule that made it, in the form in which it is answered."""
    decision = compiled().decide(event(NOON), lambda probe: NOTHING)
    assert decision.as_dict() == {
        "rule_id": "r", "rule_version": 3, "outcome": "awarded", "points": 10, "detail": {},
    }  # fmt: skip
