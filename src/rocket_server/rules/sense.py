"""Finds what is well written in a rule and still can't be meant: limits that nothing can ever reach."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from rocket_server.conditions.reading import Problems, join
from rocket_server.rules.model import Constraints, Period, PointsFrom, Rule, Window

# The most units that fit: a day with a change of the clocks has 25 hours.
_MOST_IN: Final[tuple[tuple[Window, Window, int], ...]] = (
    ("hour", "day", 25),
    ("hour", "week", 7 * 24 + 1),
    ("hour", "month", 31 * 24 + 1),
    ("day", "week", 7),
    ("hour", "year", 366 * 24),
    ("day", "month", 31),
    ("day", "year", 366),
    ("month", "year", 12),
)
# Zones are at most 14 hours from UTC: as far can a time with an offset and one without be apart.
_ZONES_APART: Final = timedelta(hours=28)


def add_contradictions(rule: Rule, path: str, problems: Problems) -> None:
    """Add a problem for each part of a rule that another part leaves without effect."""
    _period(rule.period, path, problems)
    constraints_at = join(path, "constraints")
    _caps(rule.constraints, constraints_at, problems)
    actions = rule.actions
    if actions.multiplier == 1:
        problems.add(join(path, "actions.multiplier"), "1 changes nothing; write another factor")
    if actions.multiplier is not None and actions.award_points:
        problems.add(
            join(path, "actions.award_points"),
            "a rule that multiplies gives no points of its own; make a second rule for them",
        )
    points = actions.award_points
    if isinstance(points, PointsFrom) and points.best and not rule.constraints.unique_by:
        problems.add(
            join(constraints_at, "unique_by"),
            "is required beside best: the fields that say what the best is of, such as [quiz_id]",
        )
    if not actions.award_points and rule.constraints.max_points_per_day is not None:
        problems.add(
            join(constraints_at, "max_points_per_day"),
            "can never matter: the rule gives no points of its own",
        )


def _period(period: Period, path: str, problems: Problems) -> None:
    since, until = period.bounds(UTC)
    if since is None or until is None:
        return
    has_offset = [text is not None and _has_offset(text) for text in (period.starts_at, period.ends_at)]
    slack = _ZONES_APART if has_offset[0] != has_offset[1] else timedelta(0)
    if until + slack <= since:
        problems.add(join(path, "ends_at"), f"{period.ends_at} is not after starts_at {period.starts_at}")


def _has_offset(text: str) -> bool:
    clock = text[11:]
    return clock.endswith(("Z", "z")) or "+" in clock or "-" in clock


def _caps(constraints: Constraints, path: str, problems: Problems) -> None:
    windows = dict(constraints.windowed())
    if constraints.once:
        others = [f"max_per_{name}" for name, _ in (*constraints.scoped(), *constraints.windowed())]
        if constraints.unique_by:
            others.append("unique_by")
        if constraints.cooldown_minutes is not None:
            others.append("cooldown_minutes")
        for name in others:
            problems.add(join(path, name), "can never matter: once allows a single award; remove one of them")
        return
    for shorter, longer, most in _MOST_IN:
        if shorter not in windows or longer not in windows:
            continue
        if windows[shorter] > windows[longer]:
            problems.add(
                join(path, f"max_per_{shorter}"),
                f"{windows[shorter]} can never be reached: max_per_{longer} is {windows[longer]}",
            )
        elif windows[shorter] * most < windows[longer]:
            problems.add(
                join(path, f"max_per_{longer}"),
                f"{windows[longer]} can never be reached: max_per_{shorter} {windows[shorter]} allows"
                f" {windows[shorter] * most} at most",
            )
