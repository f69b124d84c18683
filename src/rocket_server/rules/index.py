"""Which of many conditions an event may meet, found by what they say that a field equals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from rocket_server.conditions.matching import Getter, field
from rocket_server.conditions.model import AllOf, AnyOf, Comparison, Condition
from rocket_server.conditions.values import Key, equality_keys, keys_of
from rocket_server.events.model import Event

# Longer lists of values select little, and would be kept a second time.
_MAX_KEYS: Final = 100

_Choice = Mapping[str, frozenset[Key]]  # by field: what it has to be one of


class Index:
    """Positions of conditions, by the value that each asks of the field that selects best.

    What an event can't meet by that field alone isn't found; what is found has to be asked.
    """

    def __init__(self, conditions: Sequence[Condition], weights: Sequence[int]) -> None:
        choices = [_choice(condition) for condition in conditions]
        shared = Counter((path, key) for choice in choices for path, keys in choice.items() for key in keys)
        tables: dict[str, dict[Key, list[int]]] = {}
        self._always: list[int] = []
        for position, choice in enumerate(choices):
            if not choice:
                self._always.append(position)
                continue
            path = min(choice, key=lambda path: (max(shared[path, key] for key in choice[path]), path))
            table = tables.setdefault(path, {})
            for key in choice[path]:
                table.setdefault(key, []).append(position)
        self._tables: list[tuple[Getter, dict[Key, list[int]]]] = [
            (field(path), table) for path, table in tables.items()
        ]
        heaviest = [
            max(sum(weights[one] for one in positions) for positions in table.values())
            for table in tables.values()
        ]
        # What asking costs for the event that finds most, in the unit of `weights`.
        self.weight = sum(weights[one] for one in self._always) + sum(heaviest) + len(tables)

    def find(self, event: Event) -> list[int]:
        """The positions of all conditions that an event may meet, in their order."""
        found = set(self._always)
        for value_of, table in self._tables:
            for key in keys_of(value_of(event)):
                found.update(table.get(key, ()))
        return sorted(found)


def _choice(condition: Condition) -> _Choice:
    """The fields that a condition asks to be one of some values, wherever it holds."""
    match condition:
        case Comparison(operator="eq" | "in", path=path, expected=expected) if path != "timestamp":
            keys = equality_keys(expected if isinstance(expected, tuple) else (expected,))
            return {path: keys} if len(keys) <= _MAX_KEYS else {}
        case AllOf(parts=parts):
            chosen: dict[str, frozenset[Key]] = {}
            for part in parts:
                for path, keys in _choice(part).items():
                    if path not in chosen or len(keys) < len(chosen[path]):
                        chosen[path] = keys
            return chosen
        case AnyOf(parts=(first, *others)):
            either = dict(_choice(first))
            for part in others:
                choice = _choice(part)
                either = {path: keys | choice[path] for path, keys in either.items() if path in choice}
            return {path: keys for path, keys in either.items() if len(keys) <= _MAX_KEYS}
        case _:
            return {}
