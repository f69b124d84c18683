"""The examples of docs/reference/events.md, read by the server's own code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources import custom, rocket
from rocket_server.sources.adapter import ReadingContext

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
BLOCKS = [
    (label, json.loads(body)) for label, body in re.findall(r"^```json (.+?)\n(.*?)^```$", PAGE, re.M | re.S)
]
NOW = datetime(2026, 2, 1, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def example(label: str) -> Any:
    (found,) = [body for name, body in BLOCKS if name == label]
    return found


@pytest.mark.parametrize("body", [body for label, body in BLOCKS if label.startswith("event")])
def test_examples_of_events_are_accepted(body: dict[str, Any]) -> None:
    """Each event that the page shows is one."""
    event = rocket.parse_event(body, timezone=UTC_ZONE, received_at=NOW)
    assert isinstance(event, Event)
    assert event.occurred_at == datetime(2026, 1, 31, 10, 15, tzinfo=UTC)


def test_every_block_is_checked() -> None:
    """No example is on the page that no test reads."""
    labels = ["event", "event", "event canonical", "stored", "refused", "errors"]
    assert [label for label, _ in BLOCKS] == [*labels, "mapping", "mapped", "mapped-stored"]
    assert PAGE.count("```") == 2 * len(BLOCKS)


def test_the_stored_form_of_the_canonical_example() -> None:
    """The canonical example is stored as the page says."""
    event = rocket.parse_event(example("event canonical"), timezone=UTC_ZONE, received_at=NOW)
    assert isinstance(event, Event)
    assert rocket.flat(event) == example("stored")
    assert event.identities == ("moodle:8774",)


def test_the_errors_of_the_faulty_example() -> None:
    """The faulty example is answered with the errors that the page shows."""
    errors = rocket.parse_event(example("refused"), timezone=UTC_ZONE, received_at=NOW)
    assert isinstance(errors, list)
    assert [error.as_dict() for error in errors] == example("errors")


def test_the_mapping() -> None:
    """The example of a mapping is sound and reads the example's body as the page says."""
    assert custom.check_mappings(example("mapping")) == []
    source = Source("o", "s", "custom", "acme", "acme-1", mappings=example("mapping"))
    event = custom.read(example("mapped"), ReadingContext(source, UTC_ZONE, NOW))
    assert rocket.flat(event) == example("mapped-stored")


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("keys of `properties`", rocket.checks.MAX_KEYS),
        ("objects and lists inside", rocket.checks.MAX_DEPTH),
        ("e-mail address", rocket.checks.MAX_EMAIL),
        ("errors reported", rocket.checks.MAX_ERRORS),
    ],
)
def test_the_limits(row: str, limit: int) -> None:
    """The limits on the page are those of the code."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {row}")]
    assert re.search(rf"\b{limit}\b", line)
