"""What a process remembers to spare itself reads: a bounded lot, the longest unused forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Values by key. What they weigh together is `most` at most; one alone is kept whatever it weighs."""

    __slots__ = ("_kept", "_most", "_weigh", "_weight")

    def __init__(self, most: int, weigh: Callable[[V], int] | None = None) -> None:
        """Without `weigh` each value weighs one."""
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._most = most
        self._weigh = weigh
        self._weight = 0

    def __iter__(self) -> Iterator[K]:
        """The keys, the longest unused first."""
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def get(self, key: K) -> V | None:
        """The value of a key, which counts as used now."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember a value, in place of the one before."""
        self.forget(key)
        self._kept[key] = value
        self._weight += self._weight_of(value)
        while self._weight > self._most and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._weight -= self._weight_of(gone)

    def forget(self, key: K) -> None:
        """Remember a key's value no longer."""
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._weight -= self._weight_of(gone)

    def _weight_of(self, value: V) -> int:
        return 1 if self._weigh is None else self._weigh(value)
