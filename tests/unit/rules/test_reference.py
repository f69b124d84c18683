"""The examples in the reference of the rule language are rules, and it names every operator there is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from rocket_server.conditions.reading import OPERATORS
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.model import Constraints
from rocket_server.rules.parse import parse_rule, parse_rules
from rocket_server.rules.sentences import TEXTS, say

REFERENCE = (Path(__file__).parents[3] / "docs/reference/rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(?:yaml|json)\n(.*?)```", REFERENCE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_rules(example: str):
    """Each example is read without a fault, and its canonical form is the same rule."""
    for rule in parse_rules(yaml.safe_load(example)):
        assert parse_rule(rule.as_dict()) == rule


def test_the_reference_is_complete():
    """Every operator, constraint and code is named, and there are examples."""
    assert len(EXAMPLES) >= 5
    for name in (*OPERATORS, *Constraints.__dataclass_fields__, *TEXTS):
        assert f"`{name}" in REFERENCE, name


def test_the_decision_shown_is_a_decision():
    """The decision on the page says what the code says of it."""
    (shown,) = map(json.loads, re.findall(r"```json decision\n(.*?)```", REFERENCE, re.DOTALL))
    said = say(
        shown,
        event="forum.posted",
        occurred_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        rule=None,
        calendar=Calendar(UTC),
        now=datetime(2026, 3, 4, 12, tzinfo=UTC),
    )
    assert (said.code, said.sentence) == (shown["code"], shown["sentence"])
    assert said.opens_at == datetime.fromisoformat(shown["opens_at"])
