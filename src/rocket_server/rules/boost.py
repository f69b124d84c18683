"""What multiplies an event's awards: the factors of rules, and their product."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from rocket_server.rules.model import LEAST_MULTIPLIER, MAX_POINTS, MOST_MULTIPLIER

_LEAST: Final = Decimal(str(LEAST_MULTIPLIER))
_MOST: Final = Decimal(MOST_MULTIPLIER)


class Factor(NamedTuple):
    """What one rule multiplies an event's awards by."""

    rule_id: str
    rule_version: int
    factor: int | float


class Boost:
    """The factors that apply to one event, and their product, kept in 0.1..10."""

    __slots__ = ("_factors", "factor")

    def __init__(self, factors: Iterable[Factor]) -> None:
        self._factors = tuple(factors)
        product = Decimal(1)
        for one in self._factors:
            # By its decimal spelling: 1.15 is what the rule says, and not 1.149999999999999911.
            product *= Decimal(str(one.factor))
        self.factor = max(_LEAST, min(product, _MOST))

    def apply(self, points: int) -> int:
        """`points` multiplied, rounded half up; at least 1 (if there were any) and at most 1,000,000."""
        if points <= 0:
            return points
        product = int((points * self.factor).quantize(Decimal(1), ROUND_HALF_UP))
        return max(1, min(product, MAX_POINTS))

    def as_dict(self, base: int) -> dict[str, Any]:
        """What a decision says of it: the points before, the factor, and whose it is."""
        return {
            "base": base,
            "factor": plain_number(self.factor),
            "rules": [one._asdict() for one in self._factors],
        }


def plain_number(value: Decimal) -> int | float:
    """As JSON has it: whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else float(value)
