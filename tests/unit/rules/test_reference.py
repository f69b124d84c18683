"""The examples in the reference of the rule language are rules, and it names every operator there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from rocket_server.conditions.reading import OPERATORS
from rocket_server.rules.model import Constraints
from rocket_server.rules.parse import parse_rule, parse_rules

REFERENCE = (Path(__file__).parents[3] / "docs/reference/rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(?:yaml|json)\n(.*?)```", REFERENCE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_rules(example: str):
    """Each example is read without a fault, and its canonical form is the same rule."""
    for rule in parse_rules(yaml.safe_load(example)):
        assert parse_rule(rule.as_dict()) == rule


def test_the_reference_is_complete():
    """Every operator and every constraint is named, and there are examples."""
    assert len(EXAMPLES) >= 5
    for name in (*OPERATORS, *Constraints.__dataclass_fields__):
        assert f"`{name}" in REFERENCE, name
