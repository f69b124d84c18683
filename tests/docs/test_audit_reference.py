"""The page about the audit log names what the log writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from rocket_server.audit.model import MAX_BYTES, Action

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "audit.md").read_text()


def test_the_page_has_every_action_and_no_other():
    """The table of actions is the list that the code can write."""
    table = PAGE.partition("## Actions")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"`([a-z_]+\.[a-z_]+)`", table)) == sorted(get_args(Action))


def test_the_page_has_the_bound_of_a_state():
    """How much of a state is kept is told as it is."""
    assert f"{MAX_BYTES // 1024} KiB" in PAGE
