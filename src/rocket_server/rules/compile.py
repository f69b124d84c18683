"""Rules compiled once, so that an event only runs through closures; found by the event that triggers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from rocket_server.conditions.matching import compile_condition, compile_explanation, field, weight
from rocket_server.conditions.values import as_number, shown
from rocket_server.events.model import Event
from rocket_server.rules import constraints
from rocket_server.rules.boost import Boost
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.evaluate import Decision, Probe, ReadCount, new_decision
from rocket_server.rules.index import Index
from rocket_server.rules.model import PointsFrom, Rule, RuleVersion
from rocket_server.rules.resets import NO_RESETS, Resets
from rocket_server.times import rfc3339

# Where more rules than these hear an event, those that have nothing to do with it say nothing.
MAX_TOLD: Final = 50

_LIGHT: Final = 2_000  # comparisons
_AWARD_WEIGHT: Final = 100  # what an award costs with its entry, marks and counts, in comparisons of values


class CompiledRule:
    """One rule version in one organisation's zone."""

    def __init__(self, rule_version: RuleVersion, calendar: Calendar) -> None:
        rule = rule_version.rule
        self.rule = rule
        self.rule_id = rule.rule_id
        self.calendar = calendar
        self.version = rule_version.version
        self.active = rule.active
        since, until = rule.period.bounds(calendar.zone)
        self._period = None if since is None and until is None else (since, until)
        self._source = rule.trigger.source
        self.weight = _AWARD_WEIGHT + (0 if rule.fault else weight(rule.trigger.conditions))
        self._conditions = tuple(
            (compile_condition(part, calendar.zone), compile_explanation(part))
            for part in rule.trigger.conditions.parts
            if rule.fault is None  # with one it is never asked
        )
        points = rule.actions.award_points
        self.is_best = isinstance(points, PointsFrom) and points.best
        self._constraints = constraints.build(rule.constraints, calendar, best=self.is_best)
        self.badge = rule.actions.issue_badge
        self.multiplier = rule.actions.multiplier
        self.points = 0 if isinstance(points, PointsFrom) else points
        self.computed = _compile_points(points) if isinstance(points, PointsFrom) else None

    def consider(self, event: Event) -> Decision | Case:
        """The decision, where the event alone settles it, or else the case that counting has to decide.

        Conditions are evaluated here, once. `event` is one of the rule's trigger.
        """
        if not self.active:
            return Decision.without_points(self, "inactive", {"reason": self.rule.status})
        if self._period is not None and (outside := self._outside(self._period, event.occurred_at)):
            return Decision.without_points(self, "inactive", outside)
        source = self._source
        if source is not None and source != event.source and source != event.source_kind:
            unmet = {"path": "source", "operator": "eq", "expected": source, "seen": event.source}
            return Decision.without_points(self, "condition_not_met", unmet)
        for holds, explanation in self._conditions:
            if not holds(event):
                unmet = explanation(event)
                return new_decision((self.rule_id, self.version, "condition_not_met", 0, None, unmet, ()))
        checks = []
        for constraint in self._constraints:
            probe = constraint.probe(event)
            if probe is not None:
                checks.append((constraint, probe))
        return _new_case((self, event, checks))

    def holds_at(self, time: datetime) -> bool:
        """Whether the rule is active, and began and hasn't ended at `time`."""
        return self.active and (self._period is None or self._outside(self._period, time) is None)

    def _outside(
        self, period: tuple[datetime | None, datetime | None], time: datetime
    ) -> dict[str, Any] | None:
        """Why the rule doesn't hold at `time`; None where it does."""
        since, until = period
        if since is not None and time < since:
            return {"reason": "not_yet", "since": rfc3339(since)}
        if until is not None and time >= until:
            return {"reason": "no_longer", "until": rfc3339(until)}
        return None

    def marks(self, event: Event) -> tuple[str, ...]:
        """The marks to store with an award for this event; none where its conditions aren't met."""
        case = self.consider(event)
        return case.marks if isinstance(case, Decision) else case.marks()

    def probes(self, event: Event) -> tuple[Probe, ...]:
        """What must be counted to decide about this event; nothing where its conditions aren't met."""
        case = self.consider(event)
        return () if isinstance(case, Decision) else case.probes()

    def decide(self, event: Event, count: ReadCount) -> Decision:
        """The decision about this event, given what each probe counts."""
        case = self.consider(event)
        return case if isinstance(case, Decision) else case.decide(count)


class Case(NamedTuple):
    """One event that meets the conditions of one rule, with what its constraints ask."""

    rule: CompiledRule
    event: Event
    checks: Sequence[tuple[constraints.Constraint, Probe]]

    def probes(self) -> tuple[Probe, ...]:
        """What must be counted, each probe once."""
        checks = self.checks
        if len(checks) < 2:
            return (checks[0][1],) if checks else ()
        return tuple(dict.fromkeys([probe for _, probe in checks]))

    def marks(self) -> tuple[str, ...]:
        """The marks under which an award of this event is found again."""
        checks = self.checks
        if len(checks) < 2:
            return (checks[0][1].mark,) if checks else ()
        return tuple(dict.fromkeys([probe.mark for _, probe in checks]))

    def best(self) -> Probe | None:
        """What an event is compared with of which the best counts; None where all of them do."""
        return next((probe for one, probe in self.checks if isinstance(one, constraints.Best)), None)

    def worth(self, boost: Boost | None = None) -> int:
        """The points without any limit."""
        rule = self.rule
        points: int = rule.points if rule.computed is None else rule.computed(self.event)["points"]
        return points if boost is None else boost.apply(points)

    def decide(self, count: ReadCount, boost: Boost | None = None) -> Decision:
        """The decision, given what each probe counts and what multiplies the points. Caps on points count
        what is really awarded, so they are asked after the multiplication."""
        rule, event, checks = self
        points = rule.points
        detail: dict[str, Any] = {}
        if rule.computed is not None:
            computed = rule.computed(event)
            points = computed["points"]
        base = points
        if boost is not None:
            points = boost.apply(points)
        if checks:
            caps = detail["caps"] = {}
            for constraint, probe in checks:
                found = count(probe)
                allowed = constraint.allow(found, points)
                if allowed is None:
                    outcome, detail = constraint.refusal(event, probe, found)
                    return Decision(rule.rule_id, rule.version, outcome, 0, None, detail, ())
                points, caps[constraint.name] = allowed
        if rule.computed is not None:
            detail["computed"] = computed
        if boost is not None and base:
            detail["multiplier"] = boost.as_dict(base)
        return new_decision((rule.rule_id, rule.version, "awarded", points, rule.badge, detail, self.marks()))


_new_case: Callable[[tuple[CompiledRule, Event, Sequence[tuple[constraints.Constraint, Probe]]]], Case] = (
    partial(tuple.__new__, Case)
)


class RuleSet:
    """The rules of an organisation, found by the event that triggers them; build it once per change.

    Rules come by priority, the highest first, and then in the order given.
    """

    def __init__(
        self,
        rules: Iterable[RuleVersion],
        zone: tzinfo,
        before: RuleSet | None = None,
        resets: Resets = NO_RESETS,
    ) -> None:
        """`resets` say when courses began anew. What was compiled for the same zone and resets `before` is
        taken over, where a version is the very same."""
        self.zone = zone
        self.resets = resets
        calendar = Calendar(zone, resets)
        there: Mapping[tuple[str, int], CompiledRule] = {}
        if before is not None and before.zone == zone and before.resets == resets:
            there = before.versions
        by_priority = sorted(rules, key=lambda version: -version.rule.priority)
        self.rules = tuple(
            known
            if (known := there.get((one.rule.rule_id, one.version))) is not None and known.rule is one.rule
            else CompiledRule(one, calendar)
            for one in by_priority
        )
        self.versions: dict[tuple[str, int], CompiledRule] = {
            (rule.rule_id, rule.version): rule for rule in self.rules
        }
        self._active: dict[str, tuple[CompiledRule, ...]] = {}
        self._every: dict[str, tuple[CompiledRule, ...]] = {}
        # Within an event, those that multiply come before what they multiply.
        for rule in sorted(self.rules, key=lambda rule: rule.multiplier is None):
            event = rule.rule.trigger.event
            self._every[event] = (*self._every.get(event, ()), rule)
            if rule.active:
                self._active[event] = (*self._active.get(event, ()), rule)
        self._indices = {
            event: Index([rule.rule.trigger.conditions for rule in heard], [rule.weight for rule in heard])
            for event, heard in self._active.items()
            if len(heard) > MAX_TOLD
        }
        # Of few rules that cost little: asking them needs no index and no pause.
        self._light = {
            event: heard
            for event, heard in self._active.items()
            if event not in self._indices and sum(rule.weight for rule in heard) <= _LIGHT
        }
        weights = [
            self._indices[event].weight if event in self._indices else sum(rule.weight for rule in heard)
            for event, heard in self._active.items()
        ]
        # What deciding about one event costs at the most, in comparisons of values.
        self.weight = max(weights, default=1)

    def with_resets(self, resets: Resets) -> RuleSet:
        """The same rules, where courses began anew at other times."""
        return RuleSet([RuleVersion(one.rule, one.version) for one in self.rules], self.zone, None, resets)

    def with_versions(self, versions: Sequence[RuleVersion]) -> RuleSet:
        """The same rules, where some have other versions."""
        others = {one.rule.rule_id for one in versions}
        stay = [RuleVersion(one.rule, one.version) for one in self.rules if one.rule_id not in others]
        return RuleSet([*stay, *versions], self.zone, self, self.resets)

    def compiled(self, versions: Iterable[RuleVersion]) -> dict[tuple[str, int], CompiledRule]:
        """Other versions of rules, ready to judge in the same zone and runs of courses."""
        calendar = Calendar(self.zone, self.resets)
        return {(one.rule.rule_id, one.version): CompiledRule(one, calendar) for one in versions}

    def known(self) -> dict[tuple[str, int], Rule]:
        """The rules by id and version, for those who would read them from the database again."""
        return {key: compiled.rule for key, compiled in self.versions.items()}

    def triggered(self, event: str, *, explain: bool = False) -> tuple[CompiledRule, ...]:
        """The rules that an event of this name triggers.

        Inactive ones are among them only with `explain`, for someone who asks why there were no points;
        an event that is merely stored doesn't pay for rules that are switched off.
        """
        return (self._every if explain else self._active).get(event, ())

    def light(self, event: str) -> tuple[CompiledRule, ...] | None:
        """The rules that an event of this name triggers, where asking them all takes no more than a
        millisecond; else None, and `consider` asks them."""
        return self._light.get(event, None if event in self._active else ())

    @property
    def most_awards(self) -> int:
        """How many awards one event can have at the most, or somewhat more."""
        return self.weight // _AWARD_WEIGHT

    def awards(self, event: Event) -> int:
        """How many rules would award an event, if no limit of theirs were reached."""
        return sum(one is not None and isinstance(one[1], Case) for one in self.consider(event))

    def consider(self, event: Event) -> Iterator[tuple[CompiledRule, Decision | Case] | None]:
        """What each active rule that hears an event says of the event alone, in order.

        Where more than MAX_TOLD hear it, only those that it meets say something. The others are left out by
        an index or answer None, and what they would say can be derived whenever somebody asks.
        """
        heard = self._active.get(event.event, ())
        index = self._indices.get(event.event)
        if index is None:
            for rule in heard:
                yield rule, rule.consider(event)
            return
        for position in index.find(event):
            rule = heard[position]
            case = rule.consider(event)
            yield (rule, case) if isinstance(case, Case) else None


def _compile_points(points: PointsFrom) -> Callable[[Event], dict[str, Any]]:
    """A closure for value * multiply, rounded half up and kept in min..max, with what it was made from."""
    value_of = field(points.path)
    # Decimal, because 0.29 * 50 is 14.5 to the person who wrote the rule, and not 14.499999999999998.
    multiply, least, most = Decimal(str(points.multiply)), Decimal(points.min), Decimal(points.max)

    def computed(event: Event) -> dict[str, Any]:
        seen = value_of(event)
        value = as_number(seen)
        product = least if value is None else Decimal(str(value)) * multiply
        bounded = max(least, min(product, most)).quantize(Decimal(1), ROUND_HALF_UP)
        result = int(bounded)
        return {"from": points.path, "seen": shown(seen), "multiply": points.multiply, "points": result}

    return computed
