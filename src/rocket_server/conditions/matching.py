"""Paths and conditions turned into closures over an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, Final

from rocket_server.conditions.model import AllOf, AnyOf, Comparison, Condition, Not, comparisons
from rocket_server.conditions.patterns import check_pattern, searcher
from rocket_server.conditions.values import (
    MAX_SHOWN_CHARACTERS,
    Predicate,
    as_text,
    equality,
    is_absent,
    ordering,
    shown,
)
from rocket_server.events.model import Event

_INSTRUCTIONS: Final = 10  # of a pattern that take the time of one comparison

Getter = Callable[[Event], Any]
Test = Callable[[Event], bool]


def field(path: str) -> Getter:
    """A closure that reads a dotted path. `event`, `user_id`, `timestamp` and `source` are the event's own;
    every path that doesn't begin with them, `metadata` or `properties` is looked up in properties."""
    match path:
        case "event":
            return lambda event: event.event
        case "user_id":
            return lambda event: event.user_id
        case "source":
            return lambda event: event.source
        case "timestamp":
            return lambda event: event.occurred_at
    key = _property(path)
    if key is not None:
        return lambda event: event.properties.get(key)
    first, *keys = path.split(".")
    if first not in ("properties", "metadata"):
        keys.insert(0, first)
    of_metadata = first == "metadata"

    def nested(event: Event) -> Any:
        value: Any = event.metadata if of_metadata else event.properties
        for key in keys:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    return nested


def _property(path: str) -> str | None:
    """The key of a path that is one step into properties, by far the most common kind; else None."""
    key = path.removeprefix("properties.")
    return None if "." in key or path in ("event", "user_id", "source", "timestamp") else key


def compile_condition(condition: Condition, zone: tzinfo) -> Test:
    """A closure that says whether a condition holds for an event."""
    match condition:
        case Comparison():
            return _compile_comparison(condition, zone)
        case Not(part=part):
            holds = compile_condition(part, zone)
            return lambda event: not holds(event)
        case AllOf(parts=(part,)) | AnyOf(parts=(part,)):
            return compile_condition(part, zone)
        case AllOf(parts=parts):
            return _joined([compile_condition(part, zone) for part in parts], until=False)
        case AnyOf(parts=parts):
            return _joined([compile_condition(part, zone) for part in parts], until=True)


def weight(condition: Condition) -> int:
    """What asking costs at the most, in comparisons of values; a pattern costs by its length as a program."""
    return sum(
        1 + (check_pattern(one.expected) // _INSTRUCTIONS if one.operator == "matches" else 0)
        for one in comparisons(condition)
    )


def _joined(tests: Sequence[Test], *, until: bool) -> Test:
    """Asks one test after the other, up to the first that answers `until`."""

    def joined(event: Event) -> bool:
        for holds in tests:
            if holds(event) is until:
                return until
        return not until

    return joined


def _compile_comparison(comparison: Comparison, zone: tzinfo) -> Test:
    predicate = _predicate(comparison, zone)
    negated = comparison.operator in ("ne", "not_in")
    key = _property(comparison.path)
    if key is not None:
        if negated:
            return lambda event: not predicate(event.properties.get(key))
        return lambda event: predicate(event.properties.get(key))
    value_of = field(comparison.path)
    if negated:
        return lambda event: not predicate(value_of(event))
    return lambda event: predicate(value_of(event))


def _predicate(comparison: Comparison, zone: tzinfo) -> Predicate:
    """The test of a value; for ne and not_in it is that of their opposite."""
    expected = comparison.expected
    match comparison.operator:
        case "eq" | "ne":
            return equality((expected,), zone)
        case "in" | "not_in":
            return equality(expected, zone)
        case "gt" | "gte" | "lt" | "lte":
            return ordering(comparison.operator, expected, zone, of_time=comparison.path == "timestamp")
        case "exists":
            return lambda seen: is_absent(seen) is not expected
        case "contains":
            text = as_text(expected) or ""
            is_element = equality((expected,), zone)

            def contains(seen: Any) -> bool:
                if isinstance(seen, list):
                    return any(is_element(element) for element in seen)
                return text in (as_text(seen) or "")

            return contains
        case "starts_with":
            prefix = as_text(expected) or ""
            return lambda seen: (as_text(seen) or "").startswith(prefix)
        case "matches":
            found_in = searcher(expected)

            def matches(seen: Any) -> bool:
                text = as_text(seen)
                return text is not None and found_in(text)

            return matches


def compile_explanation(condition: Condition) -> Callable[[Event], dict[str, Any]]:
    """A closure that says why a condition didn't hold: path, operator, what was expected and what was seen.
    For a group, `seen` has the value of every field in it."""
    if isinstance(condition, Comparison):
        path, operator = condition.path, condition.operator
        ((expected,),) = (found.values() for found in condition.as_dict().values())
        value_of = field(path)

        def one(event: Event) -> dict[str, Any]:
            seen = value_of(event)
            if type(seen) is not str or len(seen) > MAX_SHOWN_CHARACTERS:
                seen = shown(seen)
            return {"path": path, "operator": operator, "expected": expected, "seen": seen}

        return one

    prepared: list[Any] = []  # by the first that asks: many never do, and it is most of what compiling costs

    def several(event: Event) -> dict[str, Any]:
        if not prepared:
            getters = {part.path: field(part.path) for part in comparisons(condition)}
            prepared.extend([*condition.as_dict().items(), getters])
        (group, parts), getters = prepared
        seen = {path: shown(value_of(event)) for path, value_of in getters.items()}
        return {"path": group, "operator": group, "expected": parts, "seen": seen}

    return several
