"""The captured requests of a real Moodle, and who is who in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "moodle"


@dataclass(frozen=True, slots=True)
class Capture:
    """One request as Moodle sent it."""

    name: str
    method: str
    body: str
    content_type: str | None
    variant: str

    @classmethod
    def of(cls, name: str, request: dict[str, Any]) -> Capture:
        content_type = request["headers"].get("Content-Type")
        return cls(name, request["method"], request["body"], content_type, request["variant"])

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.content_type is None else {"Content-Type": self.content_type}


@cache
def capture(name: str) -> Capture:
    """The capture in a file."""
    return Capture.of(name, json.loads((FOLDER / name).read_text()))


@cache
def all_captures() -> tuple[Capture, ...]:
    """Every capture that has a file of its own, in the order of their names."""
    names = sorted(
        str(path.relative_to(FOLDER))
        for path in (*FOLDER.glob("*.*.json"), *FOLDER.glob("moodle-4.5/*.json"))
        if "method" in json.loads(path.read_text())
    )
    return tuple(capture(name) for name in names)


@cache
def stream(variant: str) -> tuple[Capture, ...]:
    """All requests of a variant in the order in which they arrived."""
    lines = (FOLDER / f"stream.{variant}.jsonl").read_text().splitlines()
    return tuple(Capture.of(f"line {number}", json.loads(line)) for number, line in enumerate(lines, 1))


def expectations() -> dict[str, Any]:
    """What was worked out by hand."""
    return dict(json.loads((FOLDER / "expectations.json").read_text()))


def site() -> dict[str, Any]:
    """Who the users are, and what the ids mean."""
    return dict(json.loads((FOLDER / "site.json").read_text()))
