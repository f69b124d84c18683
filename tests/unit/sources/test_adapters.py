"""Every kind of source is a row of one table and a module that answers the same four questions."""

from __future__ import annotations

import inspect
import pkgutil
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server import sources
from rocket_server.catalogue import load
from rocket_server.errors import InvalidPayload
from rocket_server.organisations.model import Source
from rocket_server.sources.adapter import Adapter, ReadingContext

NOW = datetime(2026, 11, 21, tzinfo=UTC)
QUESTIONS = ("read", "reread", "merge", "check_mappings")


def context(kind: str) -> ReadingContext:
    return ReadingContext(Source("o", "s", kind, kind, f"{kind}-1"), ZoneInfo("UTC"), NOW)


@pytest.mark.parametrize("kind", sources.KINDS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_kind_answers_each_question_as_the_protocol_puts_it(kind: str, question: str) -> None:
    """A module of the table has each function of the protocol, callable with its parameters alone."""
    asked = inspect.signature(getattr(Adapter, question))
    answers = getattr(sources.KINDS[kind].adapter, question)
    inspect.signature(answers).bind(*list(asked.parameters)[1:])


def test_every_adapter_is_in_the_table() -> None:
    """A module of sources that reads bodies is a row of the table, so that none is written and forgotten."""
    modules = [
        import_module(f"{sources.__name__}.{one.name}") for one in pkgutil.iter_modules(sources.__path__)
    ]
    reading = {one.__name__ for one in modules if hasattr(one, "read") and hasattr(one, "merge")}
    assert reading == {kind.adapter.__name__ for kind in sources.KINDS.values()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", sources.KINDS)
@pytest.mark.parametrize("fields", [{}, {"x": None}, {"event": []}, {"id": {"id": {}}}])
def test_a_body_without_sense_is_refused_in_words(kind: str, fields: dict[str, Any]) -> None:
    """Whatever the kind, a body that says nothing raises InvalidPayload and no error of another type."""
    with pytest.raises(InvalidPayload):
        sources.read_fields(fields, context(kind))


@pytest.mark.parametrize("kind", sources.KINDS)
def test_one_body_twice_is_one_body(kind: str) -> None:
    """Merging a body with itself changes nothing, and what a second one adds is there."""
    body = {"name": "attempt.reviewed", "encoding": "plain", "data": {"a": 1}}
    assert sources.merge(kind, body, body).items() >= body.items()
    assert sources.merge(kind, body, {**body, "more": "1"})["more"] == "1"


@pytest.mark.parametrize("kind", sources.KINDS)
def test_no_mappings_are_right_for_every_kind(kind: str) -> None:
    """A source without mappings is sound, whatever its kind; a list of them never is."""
    assert sources.check_mappings(kind, {}, load()) == []
    assert sources.check_mappings(kind, ["x"], load())
