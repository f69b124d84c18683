"""Keeps this machine's settings out, and reports which cases passed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(__file__).parents[3] / "build" / "sdks" / "python.cases.json"

_outcomes: dict[str, bool] = {}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees only the variables that it sets."""
    monkeypatch.delenv("ROCKET_BASE_URL", raising=False)
    monkeypatch.delenv("ROCKET_API_KEY", raising=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Notes of each case whether every test of it passed."""
    outcome: Any = yield
    report = outcome.get_result()
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("case") if callspec else None
    if isinstance(case, dict) and report.when == "call":
        _outcomes[case["id"]] = _outcomes.get(case["id"], True) and report.passed


def pytest_sessionfinish() -> None:
    """Writes the report for the parity table."""
    if not _outcomes:
        return
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    passed = sorted(case for case, fits in _outcomes.items() if fits)
    failed = sorted(case for case, fits in _outcomes.items() if not fits)
    REPORT.write_text(json.dumps({"sdk": "python", "passed": passed, "failed": failed}, indent=2) + "\n")
