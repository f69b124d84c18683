"""Reads the shared cases of `sdks/cases`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "cases"


def read(name: str) -> dict[str, Any]:
    """A whole file of cases."""
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return data


def cases(name: str, kind: str) -> Any:
    """Parametrizes a test by one list of a file; `case["id"]` is its name in the report."""
    found = [{**case, "id": f"{name}/{kind}/{case['name']}"} for case in read(name)[kind]]
    return pytest.mark.parametrize("case", found, ids=lambda case: case["name"])


def native(value: Any) -> Any:
    """The same with each `{"$time": …}` as a datetime."""
    if isinstance(value, dict):
        if value.keys() == {"$time"}:
            return datetime.fromisoformat(value["$time"])
        return {name: native(inner) for name, inner in value.items()}
    return [native(inner) for inner in value] if isinstance(value, list) else value
