"""An order that looks random and is the same each time for the same seed; pure, on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


def shuffled(items: Iterable[_Item], seed: str, key: Callable[[_Item], str]) -> list[_Item]:
    """The items in an order that `seed` decides.

    Each item's place hangs on its own key alone, so an order stays when others come or go.
    """
    return sorted(items, key=lambda item: (_digest(seed, key(item)), key(item)))


def shuffled_by_weight(
    items: Iterable[_Item], seed: str, key: Callable[[_Item], str], weight: Callable[[_Item], float]
) -> list[_Item]:
    """The same, where an item of twice the weight is twice as likely to come first.

    Weights are above 0. Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006: the
    greatest u ** (1 / weight) first, here as the smallest -ln(u) / weight.
    """

    def place(item: _Item) -> tuple[float, str]:
        uniform = (int.from_bytes(_digest(seed, key(item))[:8], "big") + 1) / (2**64 + 1)
        return -math.log(uniform) / weight(item), key(item)

    return sorted(items, key=place)


def _digest(seed: str, key: str) -> bytes:
    # Lengths first, so that no two pairs of seed and key read the same.
    return hashlib.sha256(f"{len(seed)}:{seed}{key}".encode("utf-8", "surrogatepass")).digest()
