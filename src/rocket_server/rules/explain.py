"""What every rule says about an event, also those that took no part; and what of each cap is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rocket_server.events.model import Event
from rocket_server.rules.calendar import Calendar, Span
from rocket_server.rules.compile import Case, CompiledRule, RuleSet
from rocket_server.rules.constraints import build
from rocket_server.rules.evaluate import Decision, Probe
from rocket_server.rules.model import CALENDAR_PATHS, PointsFrom, Rule
from rocket_server.rules.sentences import say
from rocket_server.times import rfc3339


class Decided(NamedTuple):
    """A decision and, where it is known, the rule that made it."""

    decision: dict[str, Any]
    rule: CompiledRule | None


def every_rule(
    event: Event,
    stored: Sequence[dict[str, Any]],
    *,
    status: str,
    reason: str | None,
    then: RuleSet,
    now: RuleSet,
    made_since: Mapping[str, datetime],
) -> list[Decided]:
    """A decision of each rule about an event: the stored ones, and for the others why they said nothing.

    `then` are the rules that stood when the event was received, `now` those that stand today; a rule that
    is only among the latter was made later, at `made_since`. `status` and `reason` are the event's.
    """
    of_then = {rule.rule_id: rule for rule in then.rules}
    of_now = {rule.rule_id: rule for rule in now.rules}
    found: list[Decided] = []
    for decision in stored:
        rule_id, version = decision["rule_id"], decision["rule_version"]
        rule = of_then.get(rule_id)
        if rule is None or rule.version != version:
            rule = of_now.get(rule_id) or rule
        found.append(Decided(dict(decision), rule))
    reversed_ = {decision["rule_id"] for decision in stored if decision["outcome"] == "reversed"}
    told = {decision["rule_id"] for decision in stored if decision["outcome"] != "reversed"}
    triggered, others, later = [], [], []
    for rule in then.rules:
        if rule.rule_id in told:
            continue
        if rule.rule.trigger.event == event.event:
            triggered.append(Decided(_silent(rule, event, status, reason).as_dict(), rule))
        elif rule.rule_id not in reversed_:
            # A rule that hears another event may still have an award taken back by this one.
            others.append(Decided(_other_event(rule, event).as_dict(), rule))
    for rule in now.rules:
        if rule.rule_id not in told | reversed_ and rule.rule_id not in of_then:
            detail = {"reason": "made_later", "since": None}
            if rule.rule_id in made_since:
                detail["since"] = rfc3339(made_since[rule.rule_id])
            later.append(Decided(Decision.without_points(rule, "inactive", detail).as_dict(), rule))
    return [*found, *triggered, *others, *later]


def _silent(rule: CompiledRule, event: Event, status: str, reason: str | None) -> Decision:
    """Why a rule left no decision about an event that it hears."""
    if not rule.active:
        return Decision.without_points(rule, "inactive", {"reason": rule.rule.status})
    if status != "processed":
        return Decision.without_points(rule, "filtered", {"status": status, "reason": reason})
    case = rule.consider(event)
    if isinstance(case, Case):
        return Decision.without_points(rule, "condition_not_met", {"reason": "superseded"})
    return case


def _other_event(rule: CompiledRule, event: Event) -> Decision:
    if not rule.active:
        return Decision.without_points(rule, "inactive", {"reason": rule.rule.status})
    unmet = {"path": "event", "operator": "eq", "expected": rule.rule.trigger.event, "seen": event.event}
    return Decision.without_points(rule, "condition_not_met", unmet)


def counted_by(decided: Decided, event: Event) -> tuple[str, str, datetime] | None:
    """Rule, mark and time of the award that stood in the way; None where none did."""
    decision, rule = decided
    last = decision["detail"].get("last_awarded")
    if rule is None or not isinstance(last, str):
        return None
    case = rule.consider(event)
    if not isinstance(case, Case):
        return None
    for constraint, probe in case.checks:
        if constraint.name == decision["detail"].get("constraint"):
            return rule.rule_id, probe.mark, datetime.fromisoformat(last)
    return None


def in_words(decided: Decided, event: Event, calendar: Calendar, now: datetime) -> dict[str, Any]:
    """A decision as it is shown to those who ask: with its code, its sentence, and when it gives again."""
    decision, rule = decided
    said = say(
        decision,
        event=event.event,
        occurred_at=event.occurred_at,
        rule=rule.rule if rule is not None else None,
        calendar=calendar,
        now=now,
    )
    return {
        **decision,
        "title": None if rule is None else rule.rule.title or rule.rule.name,
        "code": said.code,
        "sentence": said.sentence,
        "opens_at": None if said.opens_at is None else rfc3339(said.opens_at),
    }


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap of a rule over time, the span that it is about, and the probe that counts what is used of it now;
    without a cap, all of them are None. A `cooldown` opens so long after the latest award that is counted."""

    rule: Rule
    constraint: str | None = None
    limit: int | None = None
    probe: Probe | None = None
    span: Span | None = None
    counts_points: bool = False
    cooldown: timedelta | None = None


def limits(rules: RuleSet, calendar: Calendar, now: datetime) -> list[Limit]:
    """The caps over time of all rules that hold now, for the units in which `now` lies; a rule that has none
    is among them once, without a cap. By rule id, the shortest unit first."""
    found: list[Limit] = []
    for compiled in sorted(rules.rules, key=lambda rule: rule.rule_id):
        if compiled.holds_at(now):
            found += list(_limits_of(compiled.rule, calendar, now)) or [Limit(compiled.rule)]
    return found


def _limits_of(rule: Rule, calendar: Calendar, now: datetime) -> Iterator[Limit]:
    limits = rule.constraints
    day = calendar.day(now).day
    if limits.once:
        yield Limit(rule, "once", 1, Probe("", None, None))
    points = rule.actions.award_points
    is_best = isinstance(points, PointsFrom) and points.best
    if limits.unique_by and not is_best and all(path in CALENDAR_PATHS for path in limits.unique_by):
        # The only unique keys that need no event: once a day, week, month or year.
        (unique,) = (one for one in build(limits, calendar) if one.name == "unique_by")
        probe = unique.probe(Event("", "", None, now, {}, {}, b""))
        spans = [calendar.span(CALENDAR_PATHS[path], now) for path in limits.unique_by]
        yield Limit(rule, "unique_by", 1, probe, min(spans, key=lambda span: span.until))
    if limits.cooldown_minutes is not None:
        distance = timedelta(minutes=limits.cooldown_minutes)
        probe = Probe("", now - distance + timedelta(microseconds=1), now + distance)
        yield Limit(rule, "cooldown_minutes", 1, probe, cooldown=distance)
    for window, limit in limits.windowed():
        span = calendar.span(window, now)
        yield Limit(rule, f"max_per_{window}", limit, Probe("", *span), span)
    if limits.max_points_per_day is not None:
        yield Limit(rule, "max_points_per_day", limits.max_points_per_day, Probe("", *day), day, True)
