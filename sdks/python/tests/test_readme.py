"""The README promises nothing that isn't there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import rocket_learning
from rocket_learning import RocketClient

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_snippet_can_be_run(block: str) -> None:
    """Each block is Python, and what it imports from this package exists."""
    tree = compile(block, "README.md", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(rocket_learning, alias.name) for alias in node.names)


def test_every_error_of_the_table_exists() -> None:
    """The table of errors has all of them, and only those."""
    named = set(re.findall(r"`(\w+Error)`", README.split("## Errors")[1].split("\n## ")[0]))
    exported = {name for name in rocket_learning.__all__ if name.endswith("Error")}
    of_webhooks = {name for name in exported if "Signature" in name or "Timestamp" in name}
    assert named == exported - of_webhooks - {"FieldError"}


def test_every_call_of_the_table_exists() -> None:
    """The table of calls names each method of each group."""
    section = README.split("## What there is")[1].split("\n## ")[0]
    client = RocketClient("k")
    for name in ("events", "points", "badges", "users"):
        (row,) = [line for line in section.splitlines() if line.startswith(f"| `{name}`")]
        methods = {method for method in vars(type(getattr(client, name))) if not method.startswith("_")}
        assert set(re.findall(r"`(\w+)`", row)) - {name} == methods
