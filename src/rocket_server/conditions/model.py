"""A condition: a comparison of one field, or a group of conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

Operator = Literal[
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains", "starts_with", "matches", "exists"
]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one expected value. `expected` is a scalar, or a tuple of scalars for in / not_in."""

    path: str
    operator: Operator
    expected: Any

    def as_dict(self) -> dict[str, Any]:
        expected = list(self.expected) if isinstance(self.expected, tuple) else self.expected
        return {self.path: {self.operator: expected}}


@dataclass(frozen=True, slots=True, eq=False)
class AllOf:
    """Every part must hold; without parts it always holds.

    The keys of a mapping have no order, and the database keeps none: mappings that say the same are equal.
    """

    parts: tuple[Condition, ...] = ()
    # True for a written `all: [...]`, whose parts are mappings of their own.
    listed: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AllOf):
            return NotImplemented
        if self.listed or other.listed:
            return self.listed == other.listed and self.parts == other.parts
        return len(self.parts) == len(other.parts) and all(part in other.parts for part in self.parts)

    def __hash__(self) -> int:
        return hash((self.listed, self.parts if self.listed else frozenset(self.parts)))

    def as_dict(self) -> dict[str, Any]:
        parts = [part.as_dict() for part in self.parts]
        if self.listed:
            return {"all": parts}
        merged: dict[str, Any] = {}
        for part in parts:
            for key, value in part.items():
                if isinstance(value, dict) and isinstance(merged.get(key), dict) and key != "not":
                    merged[key] |= value
                else:
                    merged[key] = value
        return merged


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must hold."""

    parts: tuple[Condition, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"any": [part.as_dict() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not hold."""

    part: Condition

    def as_dict(self) -> dict[str, Any]:
        return {"not": self.part.as_dict()}


NO_CONDITIONS: Final = AllOf()  # hold for every event

Condition = Comparison | AllOf | AnyOf | Not


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison in a condition, in the order in which they are written."""
    match condition:
        case Comparison():
            yield condition
        case Not(part=part):
            yield from comparisons(part)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from comparisons(part)
