"""The table of attacks, and how one enters it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.attacks.wire import Target

Act = Callable[[Target], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. `endings` are those that its requests may have; any other is a fault of the server's.

    `memory_mib` is what the server may hold beyond what it had before. With `fills_address` it takes all the
    connections that one address may have, so that who shares the address may be told to come again."""

    name: str
    act: Act
    endings: frozenset[str]
    memory_mib: int = 192
    fills_address: bool = False


ATTACKS: list[Attack] = []


def attack(
    name: str, *endings: str, memory_mib: int = 192, fills_address: bool = False
) -> Callable[[Act], Act]:
    """Enters a function into the list."""

    def enter(act: Act) -> Act:
        ATTACKS.append(Attack(name, act, frozenset(endings), memory_mib, fills_address))
        return act

    return enter
