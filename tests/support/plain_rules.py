"""A plain reading of what the reference says about rules: each decision looks through all earlier awards.

It shares no code with the server. An event is anything with `occurred_at`, `properties` and a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any, Protocol
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
MAX_POINTS = 1_000_000

# Constraints that count every award of the rule; the others count those with the same key.
_WHOLE_RULE = (
    "once",
    "max_per_hour",
    "max_per_day",
    "max_per_week",
    "max_per_month",
    "max_per_year",
    "cooldown_minutes",
    "max_points_per_day",
)


class Happened(Protocol):
    """An event."""

    @property
    def occurred_at(self) -> datetime: ...

    @property
    def properties(self) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class Given:
    """An award that stands, with the constraints that its version of the rule had."""

    event: Happened
    points: int
    constraints: Mapping[str, Any]


# ---- conditions --------------------------------------------------------------------------------------------


def number(value: Any) -> float | None:
    """A value as a number, if it is one or is the spelling of one."""
    if isinstance(value, bool) or value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def equal(expected: Any, seen: Any) -> bool:
    """Whether two values mean the same."""
    if seen is None or seen == "":
        return False
    if isinstance(expected, bool) or isinstance(seen, bool):
        true, false = (True, "true", "1", 1), (False, "false", "0", 0)
        return (expected in true and seen in true) or (expected in false and seen in false)
    if isinstance(expected, str) and isinstance(seen, str):
        return expected == seen
    numbers = number(expected), number(seen)
    return None not in numbers and numbers[0] == numbers[1]


def compare(operator: str, expected: Any, seen: Any) -> bool:
    """Whether one operator holds for the value that was seen."""
    if operator == "eq":
        return equal(expected, seen)
    if operator == "ne":
        return not equal(expected, seen)
    if operator == "in":
        return any(equal(each, seen) for each in expected)
    if operator == "not_in":
        return not any(equal(each, seen) for each in expected)
    if operator == "exists":
        return (seen is not None and seen != "") == expected
    if operator == "starts_with":
        return seen is not None and not isinstance(seen, bool) and str(seen).startswith(expected)
    value, bound = number(seen), number(expected)
    if value is None or bound is None:
        return False
    return {"gt": value > bound, "gte": value >= bound, "lt": value < bound, "lte": value <= bound}[operator]


def holds(conditions: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether all conditions hold."""
    for key, value in conditions.items():
        if key == "any":
            good = any(holds(each, properties) for each in value)
        elif key == "all":
            good = all(holds(each, properties) for each in value)
        elif key == "not":
            good = not holds(value, properties)
        else:
            tests = value if isinstance(value, dict) else {"eq": value}
            good = all(compare(name, expected, properties.get(key)) for name, expected in tests.items())
        if not good:
            return False
    return True


# ---- time --------------------------------------------------------------------------------------------------


def local_day(event: Happened) -> date:
    """The date on which an event occurred."""
    return event.occurred_at.astimezone(PARIS).date()


def local_hour(event: Happened) -> tuple[Any, ...]:
    """The hour in which an event occurred; one that the clock shows twice is two."""
    local = event.occurred_at.astimezone(PARIS)
    return local.date(), local.hour, local.utcoffset()


_UNITS: dict[str, Callable[[Happened], Any]] = {
    "hour": local_hour,
    "day": local_day,
    "week": lambda event: tuple(local_day(event).isocalendar())[:2],
    "month": lambda event: (local_day(event).year, local_day(event).month),
    "year": lambda event: local_day(event).year,
}


def period_holds(rule: Mapping[str, Any], event: Happened) -> bool:
    """Dates include their own day, at both ends; times begin and end at their moment."""
    for key, text in (("starts_at", rule.get("starts_at")), ("ends_at", rule.get("ends_at"))):
        if text is None:
            continue
        if len(text) == 10:
            day, bound = local_day(event), date.fromisoformat(text)
            good = day >= bound if key == "starts_at" else day <= bound
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=PARIS)
            # Compared in UTC, because Python compares times of one zone by their clocks.
            moment = moment.astimezone(UTC)
            good = event.occurred_at >= moment if key == "starts_at" else event.occurred_at < moment
        if not good:
            return False
    return True


# ---- points ------------------------------------------------------------------------------------------------


def half_up(value: Fraction) -> int:
    """Rounded to the nearest whole number, halves upwards."""
    return floor(value + Fraction(1, 2))


def base_points(rule: Mapping[str, Any], event: Happened) -> int:
    """What the rule gives before anything multiplies it."""
    written = rule["actions"].get("award_points", 0)
    if isinstance(written, int):
        return written
    value = event.properties.get(written["from"].removeprefix("properties."))
    least, most = written.get("min", 0), written.get("max", MAX_POINTS)
    if number(value) is None:
        return least
    product = Fraction(str(value)) * Fraction(str(written.get("multiply", 1)))
    return max(least, min(most, half_up(product)))


# ---- courses that begin anew -------------------------------------------------------------------------------

Resets = Sequence[tuple[str, datetime]]  # course, time


def in_one_run(event: Happened, other: datetime, resets: Resets) -> bool:
    """Whether an event's course didn't begin anew between it and another time."""
    course = key_text(event.properties.get("course_id"))
    times = [at for course_id, at in resets if course_id == course]
    return sum(at <= event.occurred_at for at in times) == sum(at <= other for at in times)


# ---- constraints -------------------------------------------------------------------------------------------


def key_text(value: Any) -> str:
    """A value as part of a key; absence is a text of its own."""
    return "" if value is None else str(value)


def unique_key(paths: Sequence[str], event: Happened) -> list[str]:
    """The combination of values that may be awarded once."""
    return [
        str(_UNITS[path[1:]](event)) if path.startswith("@") else key_text(event.properties.get(path))
        for path in paths
    ]


def counted(name: str, constraints: Mapping[str, Any], given: Sequence[Given]) -> list[Given]:
    """The awards that a constraint counts: those whose version of the rule asked for the same key."""
    if name in _WHOLE_RULE:
        return [one for one in given if any(one.constraints.get(each) for each in _WHOLE_RULE)]
    if name == "unique_by":
        return [one for one in given if one.constraints.get(name) == constraints[name]]
    return [one for one in given if name in one.constraints]


def by_course(name: str, limits: Mapping[str, Any]) -> bool:
    """Whether a limit by key counts within one run of the course: not where the key is only one of time."""
    return name != "unique_by" or not all(path.startswith("@") for path in limits[name])


def best_of(rule: Mapping[str, Any], event: Happened) -> list[str] | None:
    """What the event's worth is compared for, of a rule that gives for the best; None where it isn't."""
    written = rule["actions"].get("award_points")
    if not isinstance(written, dict) or not written.get("best"):
        return None
    key = unique_key(rule["constraints"]["unique_by"], event)
    return None if "" in key else key


def refusal(
    limits: Mapping[str, Any],
    event: Happened,
    given: Sequence[Given],
    *,
    best: bool = False,
    resets: Resets = (),
) -> str | None:
    """Why constraints on the number of awards leave no room; None where they do."""

    def among(name: str) -> list[Given]:
        found = counted(name, limits, given)
        if name in ("max_per_course", "max_per_lesson", "unique_by") and by_course(name, limits):
            return [one for one in found if in_one_run(event, one.event.occurred_at, resets)]
        return found

    if limits.get("once") and among("once"):
        return "already_awarded"
    if not best and (paths := limits.get("unique_by", [])):
        key = unique_key(paths, event)
        if "" not in key and any(unique_key(paths, one.event) == key for one in among("unique_by")):
            return "already_awarded"
    for scope in ("course", "lesson"):
        limit = limits.get(f"max_per_{scope}")
        if limit is not None:
            value = key_text(event.properties.get(f"{scope}_id"))
            used = [
                one
                for one in among(f"max_per_{scope}")
                if key_text(one.event.properties.get(f"{scope}_id")) == value
            ]
            if len(used) >= limit:
                return "already_awarded" if limit == 1 else "cap_reached"
    for window, unit in _UNITS.items():
        limit = limits.get(f"max_per_{window}")
        if limit is not None:
            now = unit(event)
            if sum(unit(one.event) == now for one in among(f"max_per_{window}")) >= limit:
                return "cap_reached"
    cooldown = limits.get("cooldown_minutes")
    if cooldown is not None:
        distance = timedelta(minutes=cooldown)
        if any(
            abs(one.event.occurred_at - event.occurred_at) < distance for one in among("cooldown_minutes")
        ):
            return "cooldown"
    return None


def decision(
    rule: Mapping[str, Any],
    event: Happened,
    given: Sequence[Given],
    factor: Fraction | None = None,
    resets: Resets = (),
) -> tuple[str, int]:
    """What one rule says about an event: its outcome and points."""
    if rule.get("active") is False or not period_holds(rule, event):
        return "inactive", 0
    if not holds(rule.get("conditions", {}), event.properties):
        return "condition_not_met", 0
    limits = rule.get("constraints", {})
    points = base_points(rule, event)
    if (key := best_of(rule, event)) is not None and factor is not None and points:
        points = max(1, min(MAX_POINTS, half_up(points * factor)))
        factor = None
    if key is not None:
        same = [
            one
            for one in counted("unique_by", limits, given)
            if unique_key(limits["unique_by"], one.event) == key
            if not by_course("unique_by", limits) or in_one_run(event, one.event.occurred_at, resets)
        ]
        if same and points <= sum(one.points for one in same):
            return "already_awarded", 0
    refused = refusal(limits, event, given, best=key is not None, resets=resets)
    if refused is not None:
        return refused, 0
    if key is not None:
        points -= sum(one.points for one in same)
    if factor is not None and points:
        points = max(1, min(MAX_POINTS, half_up(points * factor)))
    most = limits.get("max_points_per_day")
    if most is not None and points:
        earlier = counted("max_points_per_day", limits, given)
        rest = most - sum(one.points for one in earlier if local_day(one.event) == local_day(event))
        if rest <= 0:
            return "cap_reached", 0
        points = min(points, rest)
    return "awarded", points


def decisions(
    rules: Sequence[Mapping[str, Any]],
    event: Happened,
    given: Mapping[str, Sequence[Given]],
    resets: Resets = (),
) -> dict[str, tuple[str, int]]:
    """All rules about one event: multipliers are known first, and aren't used where nothing was given."""
    multipliers = [rule for rule in rules if "multiplier" in rule["actions"]]
    decided = {
        rule["rule_id"]: decision(rule, event, given[rule["rule_id"]], None, resets) for rule in multipliers
    }
    factor: Fraction | None = None
    for rule in multipliers:
        if decided[rule["rule_id"]][0] == "awarded":
            factor = (factor or Fraction(1)) * Fraction(str(rule["actions"]["multiplier"]))
    if factor is not None:
        factor = min(Fraction(10), max(Fraction(1, 10), factor))
    multiplied = False
    for rule in rules:
        if rule not in multipliers:
            outcome, points = decision(rule, event, given[rule["rule_id"]], factor, resets)
            decided[rule["rule_id"]] = outcome, points
            multiplied = multiplied or (outcome == "awarded" and base_points(rule, event) > 0)
    for rule in multipliers:
        if decided[rule["rule_id"]][0] == "awarded" and not multiplied:
            decided[rule["rule_id"]] = "condition_not_met", 0
    return decided
