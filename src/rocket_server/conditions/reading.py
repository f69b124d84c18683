"""Conditions as they are written, checked and turned into the model: operators, any, all, not."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, get_args

from rocket_server.conditions.model import AllOf, AnyOf, Comparison, Condition, Not, Operator
from rocket_server.conditions.patterns import PatternError, check_pattern
from rocket_server.conditions.values import as_number, as_time
from rocket_server.errors import FieldError

MAX_DEPTH: Final = 8
MAX_COMPARISONS: Final = 100
# Of all patterns that are asked together: a few milliseconds for one event at the very worst.
MAX_INSTRUCTIONS: Final = 10_000
MAX_LISTED_VALUES: Final = 1000
MAX_TEXT_CHARACTERS: Final = 1000
MAX_PATH_CHARACTERS: Final = 200
MAX_ERRORS: Final = 50

OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)
_ORDERING: Final = ("gt", "gte", "lt", "lte")
_OTHER_SPELLINGS: Final = {
    "=": "eq", "==": "eq", "equals": "eq", "is": "eq", "!=": "ne", "<>": "ne", "neq": "ne",
    ">": "gt", ">=": "gte", "min": "gte", "<": "lt", "<=": "lte", "max": "lte", "nin": "not_in",
    "one_of": "in", "regex": "matches", "regexp": "matches", "like": "contains", "prefix": "starts_with",
    "present": "exists",
}  # fmt: skip
_PATH: Final = re.compile(r"[^\s.@][^\s.]*(\.[^\s.]+){0,7}\Z")
# What JSON in PostgreSQL can't hold (NUL, lone surrogates) and what no name or value needs.
_UNCLEAN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MAX_NUMBER: Final = 10**18


@dataclass(slots=True)
class Problems:
    """Gathers what is wrong with a rule, so that one answer names every faulty field.

    What is `stored` was accepted once. A pattern in it that isn't taken any more is no error, since nobody
    could answer it: it stands in `outdated`, and whoever reads it switches off what it belongs to.
    """

    errors: list[FieldError] = field(default_factory=list)
    stored: bool = False
    outdated: list[FieldError] = field(default_factory=list)
    comparisons: int = 0
    instructions: int = 0

    def begin(self) -> None:
        """Another rule follows: what is bounded for each is counted anew."""
        self.comparisons = self.instructions = 0

    def add(self, path: str, message: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(FieldError(path, message))

    def unknown(self, path: str, key: Any, known: Iterable[str], kind: str = "field") -> None:
        """Adds an unknown key, with what was probably meant or else all that could be."""
        if len(self.errors) >= MAX_ERRORS:
            return  # what was meant takes a while to find, and a body may have a hundred thousand keys
        names = sorted(known)
        close = difflib.get_close_matches(str(key)[:100], names, 1, 0.6)
        hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(names)}"
        self.add(join(path, key), f"unknown {kind}; {hint}")


def join(path: str, key: Any) -> str:
    """The path of a key within a field: `trigger.conditions.score`."""
    name = str(key)[:MAX_PATH_CHARACTERS].encode("utf-8", "replace").decode()
    return f"{path}.{name}" if path else name


def quoted(value: Any) -> str:
    """A faulty value as a message shows it: short, and safe to print."""
    return ascii(value) if not isinstance(value, str) or len(value) <= 40 else ascii(value[:40]) + "…"


def is_clean(text: str) -> bool:
    """False for text with control characters or lone surrogates."""
    return _UNCLEAN.search(text) is None


def read_path(value: Any, path: str, problems: Problems) -> str | None:
    """A dotted path into the event, or None with the problem added."""
    if not isinstance(value, str):
        problems.add(path, f"expected the name of a field, not {_kind(value)}")
    elif len(value) > MAX_PATH_CHARACTERS or not is_clean(value) or not _PATH.match(value):
        problems.add(path, "expected the name of a field, such as course_id or metadata.event_id")
    elif value in ("properties", "metadata"):
        problems.add(path, f"expected a field in {value}, such as {value}.course_id")
    else:
        return value
    return None


def read_conditions(data: Any, path: str, problems: Problems, depth: int = 0) -> AllOf:
    """The conditions in a mapping of fields and groups, joined by and. Adds to `problems`; never raises."""
    if not isinstance(data, Mapping):
        problems.add(path, f"expected an object of conditions, not {_kind(data)}")
        return AllOf()
    if depth > MAX_DEPTH:
        problems.add(path, f"conditions may be nested {MAX_DEPTH} deep")
        return AllOf()
    if depth and not data:
        problems.add(path, "expected at least one condition")
    parts: list[Condition] = []
    for key, value in data.items():
        if len(problems.errors) >= MAX_ERRORS:
            break
        here = join(path, key)
        match key:
            case "any" | "all":
                group = _read_list(value, here, problems, depth)
                parts.append(AnyOf(group) if key == "any" else AllOf(group, listed=True))
            case "not":
                parts.append(Not(read_conditions(value, here, problems, depth + 1)))
            case _:
                parts.extend(_read_field(key, value, here, problems))
    _refuse_impossible(parts, path, problems)
    return AllOf(tuple(parts))


def _read_list(value: Any, path: str, problems: Problems, depth: int) -> tuple[Condition, ...]:
    if not isinstance(value, list | tuple) or not value:
        problems.add(path, "expected a list with at least one object of conditions")
        return ()
    if len(value) > MAX_COMPARISONS:
        problems.add(path, f"expected at most {MAX_COMPARISONS} conditions")
        return ()
    return tuple(
        read_conditions(item, f"{path}[{index}]", problems, depth + 1) for index, item in enumerate(value)
    )


def _read_field(key: Any, value: Any, path: str, problems: Problems) -> list[Comparison]:
    name = read_path(key, path, problems)
    if name is None:
        return []
    if isinstance(value, list | tuple):
        problems.add(path, "expected a value or an operator; for one of several values write {in: [...]}")
        return []
    if not isinstance(value, Mapping):
        value = {"eq": value}
    elif not value:
        problems.add(path, "expected at least one operator, such as {gte: 80}")
    found: list[Comparison] = []
    for operator, expected in value.items():
        problems.comparisons += 1
        if problems.comparisons > MAX_COMPARISONS:
            if problems.comparisons == MAX_COMPARISONS + 1:
                problems.add(path, f"expected at most {MAX_COMPARISONS} conditions in all")
            break
        if operator not in OPERATORS:
            meant = _OTHER_SPELLINGS.get(operator) if isinstance(operator, str) else None
            if meant is not None:
                problems.add(join(path, operator), f"unknown operator; did you mean {meant}?")
            else:
                problems.unknown(path, operator, OPERATORS, "operator")
            continue
        here = join(path, operator) if len(value) > 1 or operator != "eq" else path
        expected = _read_expected(operator, expected, here, problems)
        if expected is not None and name == "timestamp" and not _are_times(operator, expected):
            problems.add(here, "expected a time in RFC 3339 or Unix seconds")
        elif expected is not None:
            found.append(Comparison(name, operator, expected))
    return found


def _read_expected(operator: Operator, expected: Any, path: str, problems: Problems) -> Any:
    """The checked value of an operator, or None with the problem added."""
    if operator == "exists":
        if isinstance(expected, bool):
            return expected
        problems.add(path, f"expected true or false, not {_kind(expected)}")
        return None
    if operator in ("in", "not_in"):
        return _read_values(expected, path, problems)
    value = _read_scalar(expected, path, problems)
    if value is None:
        return None
    if operator in _ORDERING and (
        isinstance(value, bool) or (as_number(value) is None and as_time(value, UTC) is None)
    ):
        problems.add(path, f"expected a number or a time in RFC 3339, not {quoted(value)}")
        return None
    if operator in ("contains", "starts_with", "matches") and isinstance(value, bool):
        problems.add(path, "expected text, not true or false")
        return None
    if operator == "matches":
        if not isinstance(value, str):
            problems.add(path, f"expected a regular expression as text, not {_kind(value)}")
            return None
        if (refusal := _refusal(value, problems)) is not None:
            if not problems.stored:
                problems.add(path, refusal)
                return None
            problems.outdated.append(FieldError(path, refusal))
    return value


def _refusal(pattern: str, problems: Problems) -> str | None:
    """Why a pattern isn't taken, by itself or beside those before it; None where it is."""
    try:
        problems.instructions += check_pattern(pattern)
    except PatternError as refused:
        return str(refused)
    if problems.instructions > MAX_INSTRUCTIONS:
        return "the patterns up to here are too large together; make more than one rule of them"
    return None


def _are_times(operator: Operator, expected: Any) -> bool:
    """Whether the event's own time can be compared with it."""
    if operator in ("eq", "ne", "in", "not_in", *_ORDERING):
        values = expected if isinstance(expected, tuple) else (expected,)
        return all(as_time(value, UTC) is not None for value in values)
    return True


def _read_values(expected: Any, path: str, problems: Problems) -> tuple[Any, ...] | None:
    if not isinstance(expected, list | tuple):
        problems.add(path, f"expected a list of values, not {_kind(expected)}")
        return None
    if not 1 <= len(expected) <= MAX_LISTED_VALUES:
        problems.add(path, f"expected 1 to {MAX_LISTED_VALUES} values, not {len(expected)}")
        return None
    values = [_read_scalar(item, f"{path}[{index}]", problems) for index, item in enumerate(expected)]
    return None if None in values else tuple(values)


def _read_scalar(value: Any, path: str, problems: Problems) -> str | int | float | bool | None:
    """Text, a number, true or false, as they are; YAML's times and dates as text. None: problem added."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) <= _MAX_NUMBER:
            return value
        problems.add(path, "expected a number of at most 18 digits")
    elif isinstance(value, datetime | date):
        return value.isoformat()
    elif value is None or value == "":
        problems.add(path, "expected a value; for a field that isn't sent write {exists: false}")
    elif not isinstance(value, str):
        problems.add(path, f"expected text, a number, true or false, not {_kind(value)}")
    elif len(value) > MAX_TEXT_CHARACTERS:
        problems.add(path, f"expected at most {MAX_TEXT_CHARACTERS} characters")
    elif not is_clean(value):
        problems.add(path, "expected text without control characters")
    else:
        return value
    return None


def _refuse_impossible(parts: Iterable[Condition], path: str, problems: Problems) -> None:
    """Adds a problem for each field whose bounds, joined by and, leave no number between them."""
    bounds: dict[str, list[tuple[str, int | float]]] = {}
    for part in parts:
        if isinstance(part, Comparison) and part.operator in (*_ORDERING, "eq"):
            number = as_number(part.expected)
            if number is not None:
                bounds.setdefault(part.path.removeprefix("properties."), []).append((part.operator, number))
    for name, found in bounds.items():
        lows = [(number, operator == "gt") for operator, number in found if operator in ("gt", "gte", "eq")]
        highs = [(number, operator == "lt") for operator, number in found if operator in ("lt", "lte", "eq")]
        if not lows or not highs:
            continue
        low, above = max(lows)
        high, below = min(highs, key=lambda bound: (bound[0], not bound[1]))
        if low > high or (low == high and (above or below)):
            what = f"no value can be {'above' if above else 'at least'} {low} and"
            problems.add(join(path, name), f"{what} {'below' if below else 'at most'} {high}")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return quoted(value)
