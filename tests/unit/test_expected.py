"""What a refusal expected is a value, a list of values or a kind of value: nothing that needs a full stop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rocket_server
from rocket_server.errors import FieldError, InvalidPayload

SOURCES = Path(rocket_server.__file__).parent
SENTENCE = re.compile(r"[;:.?!](\s|$)|\b(must|expected|should|isn't|was|were|send|write)\b")


def text_of(node: ast.expr | None) -> str | None:
    """A text as it stands in the code, with 7 for what is put into it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join((text_of(one) or "") if isinstance(one, ast.Constant) else "7" for one in node.values)
    return None


def messages() -> Iterator[tuple[str, str]]:
    """Every message of a refusal of a field in the code, and where it stands."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            place = {"Fault": 0, "FieldError": 1}.get(called.rpartition(".")[2])
            if called.endswith(("InvalidPayload.field", "problems.add", ".fault")):
                place = 1
            if place is not None and len(node.args) > place:
                message = text_of(node.args[place])
                if message is not None:
                    yield f"{path.relative_to(SOURCES)}:{node.lineno}", message


MESSAGES = list(messages())


def test_the_walk_finds_the_refusals() -> None:
    """The code has hundreds of refusals of fields, and most of them say what was expected."""
    assert len(MESSAGES) > 200
    said = [message for _, message in MESSAGES if FieldError("x", message).expected is not None]
    assert len(said) > 0.6 * len(MESSAGES)


@pytest.mark.parametrize(("where", "message"), MESSAGES, ids=[where for where, _ in MESSAGES])
def test_no_refusal_has_a_sentence_for_what_it_expected(where: str, message: str) -> None:
    """Whatever a refusal says, `details.expected` is no sentence, and none of its verbs."""
    expected = re.sub(r"{.*}", "", str(FieldError("x", message).expected or ""))
    assert not SENTENCE.search(expected), where


@pytest.mark.parametrize(("where", "message"), MESSAGES, ids=[where for where, _ in MESSAGES])
def test_refusals_begin_as_what_follows_a_fields_name(where: str, message: str) -> None:
    """A message reads after the name of its field: it doesn't begin with a noun of its own."""
    assert not re.match(r"(one (of|or)|the|another|at most|\d+ to) ", message), where


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("is required", "a value"),
        ("is required: an object", "an object"),
        ("must be an object", "an object"),
        ("must be one of day, week, month", ["day", "week", "month"]),
        ("must have at most 5 entries, has 7", "at most 5 entries"),
        ("expected text, not true or false", "text"),
        (
            "expected a value or an operator; for one of several values write {in: [...]}",
            "a value or an operator",
        ),
        ("is before the year 2000", None),
        ("must not be sent with `around`, which is one page", None),
    ],
)
def test_what_was_expected_is_taken_from_the_message(message: str, expected: str | list[str] | None) -> None:
    """Values that are listed are a list, a kind of value is named, and what mustn't be there has neither."""
    assert FieldError("x", message).expected == expected
    details = InvalidPayload.field("x", message).details
    assert details.get("expected") == expected
    assert ("expected" in details) == (expected is not None)
    assert details["errors"] == [{"path": "x", "message": message}]
