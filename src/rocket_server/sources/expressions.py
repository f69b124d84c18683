"""The small language of custom mappings: paths into a body, constants, first-of lists, value tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rocket_server.errors import FieldError
from rocket_server.sources import checks
from rocket_server.sources.checks import is_absent

MAX_PATH = 200  # characters
MAX_STEPS = 10  # of a path
MAX_CHOICES = 10  # in a first-of list
MAX_TABLE = 500  # entries
MAX_NESTING = 4  # of expressions in one another
MAX_LOOKUPS = 300  # paths and constants of a mapping in all: well under a millisecond for an event

# `$`, then keys and indices: `$.actor.ids[0].value`. A key with dots, blanks or brackets stands in brackets
# and quotes: `$.actor["http://example.org/id"]`. No wildcards, filters or slices.
_STEP = r"\.[^.\[\]*?()\s\"'\x00-\x1f]+|\[\"[^\"\x00-\x1f]+\"\]|\[\d{1,4}\]"
_BEGINNINGS = ("$.", '$["')
_is_path = re.compile(rf"\$(?:{_STEP})+").fullmatch
_steps = re.compile(r'\.([^.\[\]]+)|\["([^"]+)"\]|\[(\d+)\]').findall


def evaluate(expression: Any, body: dict[str, Any]) -> Any:
    """What `expression` says about `body`; None where it finds nothing. Never raises.

    - `"$.a.b[0]"`, `'$.a["b.c"]'`: the value at that path
    - `{"const": value}`, or a text, number or boolean that isn't a path: itself
    - `[one, other]`: the first that is there (null and `""` aren't)
    - `{"from": expression, "table": {"done": "course.completed"}, "default": expression}`: the table's
      entry for the value, else the default, else nothing
    """
    return _evaluate(expression, body, 1)


def _evaluate(expression: Any, body: dict[str, Any], nesting: int) -> Any:
    if nesting > MAX_NESTING:
        return None
    if isinstance(expression, str):
        return _at(expression, body) if expression.startswith(_BEGINNINGS) else expression
    if isinstance(expression, list):
        for choice in expression:
            value = _evaluate(choice, body, nesting + 1)
            if not is_absent(value):
                return value
        return None
    if not isinstance(expression, Mapping):
        return expression
    if "const" in expression:
        return expression["const"]
    table = expression.get("table")
    if not isinstance(table, Mapping):
        return None
    key = _table_key(_evaluate(expression.get("from"), body, nesting + 1))
    if key is not None and key in table:
        return table[key]
    return _evaluate(expression.get("default"), body, nesting + 1)


def faults_of_expression(expression: Any, where: str) -> list[FieldError]:
    """What is wrong with an expression, as paths that begin with `where`."""
    errors: list[FieldError] = []
    _check(expression, where, 1, errors)
    return errors


def lookups_in(expression: Any) -> int:
    """How many paths and constants an expression may have to look at, cut off just above MAX_LOOKUPS."""
    return _lookups_in(expression, 1)


def _lookups_in(expression: Any, nesting: int) -> int:
    if nesting > MAX_NESTING:
        return 1
    inner: list[Any] = []
    if isinstance(expression, list):
        inner = expression
    elif isinstance(expression, Mapping) and "const" not in expression:
        inner = [expression.get("from"), expression.get("default")]
    found = 1
    for part in inner:
        found += _lookups_in(part, nesting + 1)
        if found > MAX_LOOKUPS:
            break
    return found


def paths_in(expression: Any) -> list[str]:
    """The paths that an expression looks at, in its order."""
    return _paths_in(expression, 1)


def _paths_in(expression: Any, nesting: int) -> list[str]:
    if nesting > MAX_NESTING:
        return []
    if isinstance(expression, str):
        return [expression] if expression.startswith(_BEGINNINGS) else []
    if isinstance(expression, list):
        return [path for choice in expression for path in _paths_in(choice, nesting + 1)]
    if isinstance(expression, Mapping) and "const" not in expression:
        return _paths_in([expression.get("from"), expression.get("default")], nesting)
    return []


def _at(path: str, body: dict[str, Any]) -> Any:
    value: Any = body
    for step in _parse(path):
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
        if value is None:
            return None
    return value


@lru_cache(maxsize=4096)
def _parse(path: str) -> tuple[str | int, ...]:
    """The steps of a path. One that isn't a path leads to a key that no body has."""
    if len(path) > MAX_PATH or not _is_path(path):
        return ("\x00",)
    return tuple(int(index) if index else key or quoted for key, quoted, index in _steps(path))


def _table_key(value: Any) -> str | None:
    """Tables are JSON objects, so their keys are texts: true is `"true"`, 3 is `"3"`."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) is int or type(value) is float else None


def _check(expression: Any, where: str, nesting: int, errors: list[FieldError]) -> None:
    def fault(message: str, inner: str = "") -> None:
        errors.append(FieldError(where + inner, message))

    if nesting > MAX_NESTING:
        fault(f"must not be nested deeper than {MAX_NESTING}")
    elif isinstance(expression, str):
        _check_text(expression, where, errors)
    elif isinstance(expression, list):
        if not 1 <= len(expression) <= MAX_CHOICES:
            fault(f"must have 1 to {MAX_CHOICES} entries")
        for index, choice in enumerate(expression[:MAX_CHOICES]):
            _check(choice, f"{where}[{index}]", nesting + 1, errors)
    elif isinstance(expression, Mapping):
        _check_object(expression, where, nesting, errors)
    elif expression is None:
        fault("must be a path such as $.actor.id, a constant, a list of them, or a table")
    else:
        _check_constant(expression, where, errors)


def _check_text(text: str, where: str, errors: list[FieldError]) -> None:
    if not text.startswith("$"):
        _check_constant(text, where, errors)
    elif len(text) > MAX_PATH or not _is_path(text) or not text.startswith(_BEGINNINGS):
        message = (
            'must be a path such as $.a.b[0].c or $.a["b.c"]; a constant that begins with $ is'
            ' {"const": "$…"}'
        )
        errors.append(FieldError(where, message))
    elif len(_parse(text)) > MAX_STEPS:
        errors.append(FieldError(where, f"must have at most {MAX_STEPS} steps"))


def _check_object(expression: Mapping[str, Any], where: str, nesting: int, errors: list[FieldError]) -> None:
    keys = set(expression)
    if keys == {"const"}:
        _check_constant(expression["const"], f"{where}.const", errors)
        return
    if not {"from", "table"} <= keys <= {"from", "table", "default"}:
        message = 'must be {"const": …} or {"from": …, "table": {…}, "default": …}'
        errors.append(FieldError(where, message))
        return
    _check(expression["from"], f"{where}.from", nesting + 1, errors)
    table = expression["table"]
    if not isinstance(table, Mapping) or not 1 <= len(table) <= MAX_TABLE:
        errors.append(FieldError(f"{where}.table", f"must be an object of 1 to {MAX_TABLE} entries"))
    else:
        for key, value in table.items():
            _check_constant(value, checks.printable_path(f"{where}.table.{key}"), errors)
    if expression.get("default") is not None:
        _check(expression["default"], f"{where}.default", nesting + 1, errors)


def _check_constant(value: Any, where: str, errors: list[FieldError]) -> None:
    if isinstance(value, dict | list | None):
        errors.append(FieldError(where, "must be a text, a number, true or false"))
    else:
        errors += checks.faults_in(value, where)
