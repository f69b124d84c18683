"""What is counted to decide, and what was decided: probes, counts and decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

Outcome = Literal[
    "awarded",
    "condition_not_met",
    "cap_reached",
    "cooldown",
    "already_awarded",
    "inactive",
    "filtered",
    "suspended",
    "reversed",
]

# Probes, counts and decisions are made for every event and rule: a named tuple is as immutable as a frozen
# dataclass and takes a third of the time to make, to hash and to compare. On the hot path they are made
# from a ready tuple (`new_probe` and its like), which halves that once more.


class Probe(NamedTuple):
    """How many standing awards has this rule for this learner under `mark`, occurred in [since, until)?

    `mark` is '' (every award of a rule with constraints over time) or the key of one constraint:
    `course:123`, `unique:["a","b"]`. None is an open end; times are UTC.
    """

    mark: str
    since: datetime | None
    until: datetime | None


class Count(NamedTuple):
    """What a probe found: awards that weren't reversed, their points, and when the outermost occurred."""

    awards: int
    points: int
    earliest: datetime | None
    latest: datetime | None


new_probe: Callable[[tuple[str, datetime | None, datetime | None]], Probe] = partial(tuple.__new__, Probe)

NOTHING = Count(0, 0, None, None)

ReadCount = Callable[[Probe], Count]


class NamedRule(Protocol):
    """What a decision needs to know of a rule."""

    @property
    def rule_id(self) -> str: ...

    @property
    def version(self) -> int: ...


class Decision(NamedTuple):
    """What one rule said about one event, with the numbers behind it in `detail` (ready for JSON).

    `marks` are to be stored with the award, so that later probes find it; they are empty unless `outcome` is
    awarded.
    """

    rule_id: str
    rule_version: int
    outcome: Outcome
    points: int
    badge: str | None
    detail: dict[str, Any]
    marks: tuple[str, ...]

    @classmethod
    def without_points(
        cls, rule: NamedRule, outcome: Outcome, detail: dict[str, Any] | None = None
    ) -> Decision:
        """A decision that gives nothing, such as filtered or suspended."""
        return cls(rule.rule_id, rule.version, outcome, 0, None, detail or {}, ())

    @classmethod
    def reversal(cls, rule: NamedRule, points: int, detail: dict[str, Any] | None = None) -> Decision:
        """An award of `points` is taken back: outcome reversed, with the points negative."""
        return cls(rule.rule_id, rule.version, "reversed", -points, None, detail or {}, ())

    def as_dict(self) -> dict[str, Any]:
        """The form in which a decision is answered and stored."""
        return {
            "rule_id": self.rule_id,
            "rule_version": self.rule_version,
            "outcome": self.outcome,
            "points": self.points,
            "detail": self.detail,
        }


new_decision: Callable[
    [tuple[str, int, Outcome, int, str | None, dict[str, Any], tuple[str, ...]]], Decision
] = partial(tuple.__new__, Decision)
