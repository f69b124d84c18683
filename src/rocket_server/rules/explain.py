"""What rules say that took no part in an event's decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.evaluate import Decision, Probe


def rules_apart(rules: RuleSet, event: str, decisions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions, derived now, of rules that this event triggers but that were switched off or made later."""
    decided = {decision["rule_id"] for decision in decisions}
    return [
        Decision.without_points(rule, "inactive", {"active_now": rule.active}).as_dict()
        for rule in rules.triggered(event, explain=True)
        if rule.rule_id not in decided
    ]


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap of a rule over a calendar unit, and the probe that counts what is used of it now."""

    rule_id: str
    constraint: str
    limit: int
    probe: Probe
    counts_points: bool = False


def limits(rules: RuleSet, calendar: Calendar, now: datetime) -> list[Limit]:
    """The caps over calendar units of all active rules, for the units in which `now` lies."""
    found: list[Limit] = []
    for rule in rules.rules:
        if not rule.active:
            continue
        constraints = rule.rule.constraints
        for window, limit in constraints.windowed():
            span = calendar.span(window, now)
            found.append(Limit(rule.rule_id, f"max_per_{window}", limit, Probe("", span.since, span.until)))
        if constraints.max_points_per_day is not None:
            day = calendar.day(now).day
            found.append(
                Limit(
                    rule.rule_id,
                    "max_points_per_day",
                    constraints.max_points_per_day,
                    Probe("", day.since, day.until),
                    counts_points=True,
                )
            )
    return found
