"""What rules gave, and what a learner attempted where the best of several counts; pure.

When one attempt is withdrawn, the best of the others gives what it is worth, as `pipeline/bests.py` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rocket_server.events.model import Event
from rocket_server.rules.boost import Boost
from rocket_server.rules.compile import Case, CompiledRule
from rocket_server.rules.evaluate import Probe
from rocket_server.rules.resets import Resets
from rocket_server.simulation.book import Place

# A rule's outcomes about an event that met its conditions.
ATTEMPTED: Final = frozenset({"awarded", "already_awarded", "cap_reached", "cooldown"})


class Given:
    """What one rule was decided to give for one event."""

    __slots__ = ("entry_id", "outcome", "points", "version")

    def __init__(self, outcome: str, points: int, version: int, entry_id: str | None) -> None:
        self.entry_id = entry_id
        self.outcome = outcome
        self.points = points
        self.version = version


class Award:
    """An award by the candidates. `marks` is None while nobody had to count it."""

    __slots__ = ("entry_id", "event", "given", "key", "live", "marks", "points", "rule")

    def __init__(
        self, rule: CompiledRule, key: tuple[str, str], event: Event, points: int, was: Given | None
    ) -> None:
        self.entry_id = was.entry_id if was is not None else None
        self.rule = rule
        self.key = key  # event id, rule id
        self.event = event
        self.points = points
        self.given = was.points if was is not None else 0  # what the rule had really given for the event
        self.marks: tuple[str, ...] | None = None
        self.live = True


class Attempt:
    """An event that a rule has judged. `award` is what it gave, None where that was nothing."""

    __slots__ = (
        "_case",
        "award",
        "boost",
        "event",
        "event_id",
        "key",
        "outcome",
        "place",
        "rule",
        "withdrawn",
    )

    def __init__(
        self,
        event_id: str,
        event: Event,
        rule: CompiledRule,
        key: tuple[str, str] | None,
        place: Place,
        boost: Boost | None,
        outcome: str,
        award: Award | None,
    ) -> None:
        self.event_id = event_id
        self.event = event
        self.rule = rule
        self.key = key  # source and subject of what the event states
        self.place = place
        self.boost = boost
        self.outcome = outcome
        self.award = award
        self.withdrawn = False
        self._case: Case | None = None

    def case(self) -> Case | None:
        """What the rule asks about it; worked out when first needed."""
        if self._case is None:
            case = self.rule.consider(self.event)
            self._case = case if isinstance(case, Case) else None
        return self._case

    def worth(self) -> int:
        case = self.case()
        return 0 if case is None else case.worth(self.boost)


class Attempts:
    """All attempts of one learner so far, by rule."""

    def __init__(self, resets: Resets) -> None:
        self._resets = resets
        self._found: dict[str, list[Attempt]] = {}

    def note(self, attempt: Attempt) -> None:
        self._found.setdefault(attempt.rule.rule_id, []).append(attempt)

    def withdraw(self, key: tuple[str, str], event: Event, *, is_module: bool) -> None:
        """Count no more what had said that something stands; of a module, in the same run of its course."""
        for found in self._found.values():
            for one in found:
                at = one.event.occurred_at
                if one.key != key or (at, one.event.sequence) > (event.occurred_at, event.sequence):
                    continue
                until = self._resets.run(one.event.source, one.event.properties, at).until
                if not is_module or until is None or event.occurred_at < until:
                    one.withdrawn = True

    def beside(self, award: Award) -> tuple[Probe | None, Sequence[Attempt]]:
        """What an award is compared under, and all that is compared so, the best first."""
        case = award.rule.consider(award.event)
        probe = case.best() if isinstance(case, Case) else None
        if probe is None:
            return None, ()
        found = [
            one
            for one in self._found.get(award.rule.rule_id, ())
            if (other := one.case()) is not None and other.best() == probe
        ]
        return probe, sorted(found, key=lambda one: (-one.worth(), one.event_id))
