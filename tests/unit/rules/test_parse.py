"""Rules as people write them: every form that is taken, and every fault that is named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.conditions.model import AllOf, Comparison
from rocket_server.errors import InvalidPayload
from rocket_server.rules.model import PointsFrom, Rule
from rocket_server.rules.parse import parse_rule, parse_rules

CONTRACT = """
- rule_id: course_completion
  trigger: {event: course.completed, source: moodle, conditions: {progress_pct: {gte: 80}, course_id: {in: ["123", "456"]}}}
  actions: {award_points: 50, issue_badge: course_master}
  constraints: {max_per_course: 1, max_per_day: 3, cooldown_minutes: 60}
  active: true
"""  # noqa: E501


def rule(**parts: Any) -> dict[str, Any]:
    """A valid rule with some parts changed."""
    return {"rule_id": "r", "trigger": "quiz.completed", "actions": {"award_points": 5}, **parts}


def faults(data: Any) -> dict[str, str]:
    """The faults of a rule by path."""
    with pytest.raises(InvalidPayload) as caught:
        parse_rule(data)
    return {error["path"]: error["message"] for error in caught.value.details["errors"]}


def test_the_canonical_form_is_read_and_shown_again():
    """A rule of the documented form is shown again exactly as it was written."""
    (written,) = yaml.safe_load(CONTRACT)
    (parsed,) = parse_rules(yaml.safe_load(CONTRACT))
    assert parsed.as_dict() == written
    assert parsed.constraints.cooldown_minutes == 60


@pytest.mark.parametrize("name", ["badge_awarded", "\\core\\event\\badge_awarded"])
def test_the_guides_form_is_taken(name: str):
    """A trigger as Moodle's name, conditions beside it and issue_rocket_badge mean the canonical rule."""
    parsed = parse_rule(
        {
            "trigger": name,
            "conditions": {"badge_id": "course_master_badge"},
            "actions": {"award_points": 100, "issue_rocket_badge": "course_completion_expert"},
            "version": 3,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": None,
        }
    )
    assert parsed.trigger.event == "badge.awarded"
    assert parsed.actions.issue_badge == "course_completion_expert"
    assert parsed.actions.award_points == 100
    # Our own badges don't earn points once more under a rule about the platform's.
    assert parsed.trigger.conditions == AllOf(
        (Comparison("badge_id", "eq", "course_master_badge"), Comparison("source", "ne", "rocket"))
    )
    assert parsed.rule_id.startswith("badge_awarded_")


def test_a_rule_without_id_gets_the_same_id_each_time():
    """Applying a file without ids again names the same rules; another rule gets another id."""
    without = rule()
    del without["rule_id"]
    assert parse_rule(without).rule_id == parse_rule(dict(without)).rule_id
    assert parse_rule(without).rule_id != parse_rule({**without, "actions": {"award_points": 6}}).rule_id
    assert parse_rule(without, rule_id="given").rule_id == "given"


def test_moodle_names_are_resolved_by_the_caller():
    """The caller's resolver decides which Moodle names are known."""
    resolve = {"\\mod_wiki\\event\\page_created": "wiki.page_created"}.get
    parsed = parse_rule(rule(trigger="\\mod_wiki\\event\\page_created"), resolve_event=resolve)
    assert parsed.trigger.event == "wiki.page_created"
    with pytest.raises(InvalidPayload):
        parse_rule(rule(trigger="badge_awarded"), resolve_event=resolve)


def test_yaml_dates_become_text():
    """YAML reads dates as dates; a condition keeps them as RFC 3339 text."""
    conditions = {"timestamp": {"gte": date(2026, 3, 1), "lt": datetime(2026, 4, 1, tzinfo=UTC)}}
    parsed = parse_rule(rule(conditions=conditions))
    shown = parsed.as_dict()["trigger"]["conditions"]
    assert shown == {"timestamp": {"gte": "2026-03-01", "lt": "2026-04-01T00:00:00+00:00"}}


def test_computed_points_have_defaults():
    """Without multiply, min and max a computed award is the value itself, in the bounds of any award."""
    parsed = parse_rule(rule(actions={"award_points": {"from": "properties.score"}}))
    assert parsed.actions.award_points == PointsFrom("properties.score", 1, 0, 1_000_000)


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ([], "", "expected a rule"),
        (rule(constraints={"max_per_dya": 3}), "constraints.max_per_dya", "did you mean max_per_day?"),
        (rule(trigers={}), "trigers", "did you mean trigger?"),
        (rule(rule_id=""), "rule_id", "expected 1 to 100"),
        (rule(rule_id=7), "rule_id", "expected 1 to 100"),
        (rule(active="yes"), "active", "expected true or false"),
        (rule(name="a\x00b"), "name", "without control characters"),
        (rule(trigger={}), "trigger.event", "expected the name of an event"),
        (rule(trigger="Quiz.Completed"), "trigger", "expected an event such as"),
        (rule(trigger={"event": "quiz.completed", "sorce": "x"}), "trigger.sorce", "did you mean source?"),
        (rule(trigger={"event": "quiz.completed", "source": 5}), "trigger.source", "name of a source"),
        (rule(actions={}), "actions", "expected award_points"),
        (rule(actions={"award_points": 0}), "actions.award_points", "from 1 to 1000000"),
        (rule(actions={"award_points": "5"}), "actions.award_points", "not '5'"),
        (rule(actions={"award_points": True}), "actions.award_points", "whole number"),
        (rule(actions={"award_points": 1.5}), "actions.award_points", "whole number"),
        (rule(actions={"award_points": {"multiply": 2}}), "actions.award_points.from", "name of a field"),
        (
            rule(actions={"award_points": {"from": "score", "multiply": 0}}),
            "actions.award_points.multiply",
            "above 0",
        ),
        (
            rule(actions={"award_points": {"from": "score", "min": 30, "max": 20}}),
            "actions.award_points.min",
            "min 30 is above max 20",
        ),
        (rule(actions={"issue_badge": "a b"}), "actions.issue_badge", "id of a badge"),
        (
            rule(actions={"issue_badge": "a", "issue_rocket_badge": "b"}),
            "actions.issue_rocket_badge",
            "another badge",
        ),
        (rule(constraints={"max_per_day": -1}), "constraints.max_per_day", "from 1 to"),
        (rule(constraints={"max_per_week": 0}), "constraints.max_per_week", "from 1 to"),
        (rule(constraints={"cooldown_minutes": -5}), "constraints.cooldown_minutes", "from 0 to"),
        (rule(constraints={"once": "true"}), "constraints.once", "expected true or false"),
        (rule(constraints={"unique_by": []}), "constraints.unique_by", "list of 1 to 5"),
        (rule(constraints={"unique_by": ["a", "a"]}), "constraints.unique_by[1]", "named twice"),
        (rule(constraints={"unique_by": ["@decade"]}), "constraints.unique_by[0]", "name of a field"),
        (rule(conditions={"score": {"gt": "many"}}), "conditions.score.gt", "a number or a time"),
        (rule(conditions={"score": {">=": 80}}), "conditions.score.>=", "did you mean gte?"),
        (rule(conditions={"score": {"starts": "x"}}), "conditions.score.starts", "did you mean starts_with?"),
        (rule(conditions={"score": {}}), "conditions.score", "at least one operator"),
        (rule(conditions={"score": None}), "conditions.score", "{exists: false}"),
        (rule(conditions={"score": ""}), "conditions.score", "{exists: false}"),
        (rule(conditions={"score": ["1", "2"]}), "conditions.score", "{in: [...]}"),
        (rule(conditions={"score": {"in": []}}), "conditions.score.in", "1 to 1000 values"),
        (rule(conditions={"score": {"in": "12"}}), "conditions.score.in", "a list of values"),
        (rule(conditions={"score": {"in": ["1", {}]}}), "conditions.score.in[1]", "not an object"),
        (rule(conditions={"score": {"exists": 1}}), "conditions.score.exists", "true or false"),
        (rule(conditions={"score": float("nan")}), "conditions.score", "18 digits"),
        (rule(conditions={"title": {"matches": "("}}), "conditions.title.matches", "regular expression"),
        (rule(conditions={"title": {"matches": "(.{1,30}){30}"}}), "conditions.title.matches", "too large"),
        (rule(conditions={"title": {"matches": "a" * 201}}), "conditions.title.matches", "200 characters"),
        (rule(conditions={"title": {"matches": r"(a)\1"}}), "conditions.title.matches", "back-references"),
        (rule(conditions={"timestamp": {"gte": -5}}), "conditions.timestamp.gte", "Unix seconds"),
        (rule(conditions={"score": {"gte": 90, "lte": 10}}), "conditions.score", "no value can be"),
        (rule(conditions={"score": {"gt": 10, "lt": 10}}), "conditions.score", "above 10 and below 10"),
        (rule(conditions={"score": {"eq": 5, "gte": 10}}), "conditions.score", "at least 10 and at most 5"),
        (
            rule(conditions={"score": {"gte": 90}, "properties.score": {"lt": 10}}),
            "conditions.score",
            "no value can be",
        ),
        (rule(conditions={"any": {"score": 1}}), "conditions.any", "expected a list"),
        (rule(conditions={"any": [{}]}), "conditions.any[0]", "at least one condition"),
        (rule(conditions={"not": []}), "conditions.not", "object of conditions"),
        (rule(conditions={"all": [{"a": {"gt": True}}]}), "conditions.all[0].a.gt", "a number or a time"),
        (rule(conditions={"properties": 1}), "conditions.properties", "a field in properties"),
        (rule(conditions={"a..b": 1}), "conditions.a..b", "name of a field"),
        (rule(conditions={1: 1}), "conditions.1", "name of a field"),
        (rule(conditions={f"f{n}": 1 for n in range(101)}), "conditions.f100", "at most 100 conditions"),
    ],
)
def test_each_fault_is_named_with_its_path(data: Any, path: str, message: str):
    """A faulty field is named by its whole path, with what was expected or probably meant."""
    found = faults(data)
    assert path in found, found
    assert message in found[path]


def test_all_faults_are_named_at_once():
    """One answer names every faulty field, the first of them as the error's field."""
    with pytest.raises(InvalidPayload) as caught:
        parse_rule(rule(active=1, actions={"award_points": -1}, constraints={"once": 1}))
    errors = caught.value.details["errors"]
    assert [error["path"] for error in errors] == ["actions.award_points", "constraints.once", "active"]
    assert caught.value.details["field"] == "actions.award_points"


def test_conditions_in_both_places_are_refused():
    """Conditions in the trigger and beside it can't be told apart, so both at once are refused."""
    data = rule(trigger={"event": "a.b", "conditions": {"x": 1}}, conditions={"y": 2})
    assert "not both" in faults(data)["conditions"]


def test_nesting_is_bounded():
    """Conditions nested without end are refused with a sentence, however deep they are."""
    conditions: dict[str, Any] = {"score": 1}
    for _ in range(500):
        conditions = {"not": conditions}
    (message,) = faults(rule(conditions=conditions)).values()
    assert message == "conditions may be nested 8 deep"


def test_a_list_of_rules_names_the_place():
    """Faults in a list carry the index, and one id can't stand for two rules."""
    with pytest.raises(InvalidPayload) as caught:
        parse_rules({"rules": [rule(), rule(), rule(rule_id="x", active=0)]})
    paths = [error["path"] for error in caught.value.details["errors"]]
    assert paths == ["rules[1].rule_id", "rules[2].active"]
    with pytest.raises(InvalidPayload):
        parse_rules([])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
KNOWN = """
    rule_id trigger event source conditions actions award_points issue_badge constraints once unique_by active
    max_per_day max_per_course cooldown_minutes any all not score gte in matches exists from
"""
known = st.sampled_from(KNOWN.split())
rule_like = st.recursive(
    json_values | st.sampled_from(["quiz.completed", "badge_awarded", "score", ".*", "(a+)+", 5, "5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(known, inner, max_size=6),
    max_leaves=30,
)


def read(data: Any) -> Rule | InvalidPayload:
    """The rule in some data, or the error that says why it is none."""
    try:
        return parse_rule(data)
    except InvalidPayload as error:
        return error


def is_rule_or_fault(data: Any, below: str = "") -> bool:
    """Whether data is a rule that survives its canonical form, or has faults that fit in JSON, all of them
    below a path."""
    found = read(data)
    if isinstance(found, Rule):
        return parse_rule(json.loads(json.dumps(found.as_dict()))) == found
    json.dumps(found.details).encode()
    return bool(found.details["errors"]) and all(
        error["path"].startswith(below) for error in found.details["errors"]
    )


@given(st.dictionaries(known | st.text(max_size=5), rule_like, max_size=8) | json_values)
def test_arbitrary_json_is_a_rule_or_invalid(data: Any):
    """Whatever is sent is a rule or InvalidPayload."""
    assert is_rule_or_fault(data)


@given(rule_like)
def test_arbitrary_conditions_are_read_or_invalid(data: Any):
    """The same for what stands where conditions are expected, which is where nesting is."""
    assert is_rule_or_fault(rule(conditions=data), below="conditions")
