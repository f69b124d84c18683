"""What a rule does and how often it may: its actions and constraints, from decoded YAML or JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from rocket_server.conditions.reading import Problems, join, quoted, read_path
from rocket_server.rules.model import (
    CALENDAR_PATHS,
    LEAST_MULTIPLIER,
    MAX_POINTS,
    MOST_MULTIPLIER,
    SCOPES,
    WINDOWS,
    Actions,
    ByRank,
    Constraints,
    PointsFrom,
)

MAX_UNIQUE_PATHS: Final = 5
MAX_COOLDOWN_MINUTES: Final = 366 * 24 * 60
MAX_POINTS_PER_DAY: Final = 1_000_000_000

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")
IGNORED: Final = ("version", "created_at", "updated_at", "created_by", "fault")
_CALENDAR: Final = tuple(CALENDAR_PATHS)
_BADGES: Final = ("issue_badge", "issue_rocket_badge")
_ACTIONS: Final = ("award_points", *_BADGES, "multiplier")
_MULTIPLIER_FROM: Final = ("from",)
_POINTS_FROM: Final = ("from", "multiply", "min", "max", "best")
_COUNTS: Final = tuple(f"max_per_{unit}" for unit in (*SCOPES, *WINDOWS))
_CONSTRAINTS: Final = ("once", "unique_by", "cooldown_minutes", "max_points_per_day", *_COUNTS)


def read_actions(data: Any, path: str, problems: Problems) -> Actions:
    """What a rule gives: points, a badge, or a factor. What is wrong goes into `problems`."""
    if not isinstance(data, Mapping):
        problems.add(path, "expected an object with award_points, issue_badge or multiplier")
        return Actions()
    refuse_unknown(data, _ACTIONS, path, problems)
    points: int | PointsFrom = 0
    award = data.get("award_points")
    if isinstance(award, Mapping):
        points = _read_points_from(award, join(path, "award_points"), problems)
    elif award is not None:
        points = read_int(award, 1, MAX_POINTS, join(path, "award_points"), problems) or 0
    badges = {data[key] for key in _BADGES if isinstance(data.get(key), str)}
    for key in _BADGES:
        badge = data.get(key)
        if badge is not None and (not isinstance(badge, str) or not ID.match(badge)):
            problems.add(join(path, key), "expected the id of a badge: letters, digits, _, -, . or :")
    if len(badges) > 1:
        problems.add(join(path, "issue_rocket_badge"), "names another badge than issue_badge does")
    multiplier = _read_multiplier(data.get("multiplier"), join(path, "multiplier"), problems)
    if award is None and not badges and data.get("multiplier") is None:
        problems.add(path, "expected award_points, issue_badge or multiplier")
    return Actions(points, next(iter(badges), None), multiplier)


def _read_multiplier(value: Any, path: str, problems: Problems) -> int | float | ByRank | None:
    """A factor, or `from: rank`."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        refuse_unknown(value, _MULTIPLIER_FROM, path, problems)
        if value.get("from") != "rank":
            problems.add(join(path, "from"), f"expected rank, not {quoted(value.get('from'))}")
        return ByRank()
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (LEAST_MULTIPLIER <= value <= MOST_MULTIPLIER)
    ):
        problems.add(
            path,
            f"expected a number from {LEAST_MULTIPLIER} to {MOST_MULTIPLIER}, or {{from: rank}},"
            f" not {quoted(value)}",
        )
        return None
    return value


def _read_points_from(data: Mapping[Any, Any], path: str, problems: Problems) -> PointsFrom:
    refuse_unknown(data, _POINTS_FROM, path, problems)
    source = read_path(data.get("from"), join(path, "from"), problems)
    multiply = data.get("multiply")
    if multiply is None:
        multiply = 1
    if (
        isinstance(multiply, bool)
        or not isinstance(multiply, int | float)
        or not (math.isfinite(multiply) and 0 < multiply <= MAX_POINTS)
    ):
        problems.add(join(path, "multiply"), f"expected a number above 0, at most {MAX_POINTS}")
    least = read_int(data.get("min"), 0, MAX_POINTS, join(path, "min"), problems)
    most = read_int(data.get("max"), 1, MAX_POINTS, join(path, "max"), problems)
    least = 0 if least is None else least
    most = MAX_POINTS if most is None else most
    if least > most:
        problems.add(join(path, "min"), f"min {least} is above max {most}")
    best = data.get("best")
    if best is not None and not isinstance(best, bool):
        problems.add(join(path, "best"), f"expected true or false, not {quoted(best)}")
    return PointsFrom(source or "", multiply, least, most, best is True)


def read_constraints(data: Any, path: str, problems: Problems) -> Constraints:
    """How often a rule may give. What is wrong goes into `problems`."""
    if data is None:
        return Constraints()
    if not isinstance(data, Mapping):
        problems.add(path, "expected an object, such as {max_per_day: 3}")
        return Constraints()
    refuse_unknown(data, _CONSTRAINTS, path, problems)
    once = data.get("once")
    if once is not None and not isinstance(once, bool):
        problems.add(join(path, "once"), f"expected true or false, not {quoted(once)}")
    counts = {key: read_int(data.get(key), 1, MAX_POINTS, join(path, key), problems) for key in _COUNTS}
    cooldown = read_int(
        data.get("cooldown_minutes"), 0, MAX_COOLDOWN_MINUTES, join(path, "cooldown_minutes"), problems
    )
    points = read_int(
        data.get("max_points_per_day"), 1, MAX_POINTS_PER_DAY, join(path, "max_points_per_day"), problems
    )
    return Constraints(
        once=once is True,
        unique_by=_read_unique_by(data.get("unique_by"), join(path, "unique_by"), problems),
        cooldown_minutes=cooldown or None,
        max_points_per_day=points,
        **counts,
    )


def _read_unique_by(data: Any, path: str, problems: Problems) -> tuple[str, ...]:
    if data is None:
        return ()
    if isinstance(data, str):
        data = [data]
    if not isinstance(data, list | tuple) or not 1 <= len(data) <= MAX_UNIQUE_PATHS:
        problems.add(path, f"expected a list of 1 to {MAX_UNIQUE_PATHS} fields, such as [course_id]")
        return ()
    found: list[str] = []
    for index, item in enumerate(data):
        name = item if item in _CALENDAR else read_path(item, f"{path}[{index}]", problems)
        if name in found:
            problems.add(f"{path}[{index}]", f"{name} is named twice")
        elif name is not None:
            found.append(name)
    return tuple(found)


def read_int(value: Any, least: int, most: int, path: str, problems: Problems) -> int | None:
    """A whole number within bounds; None where it is absent, or with the problem added."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        problems.add(path, f"expected a whole number from {least} to {most}, not {quoted(value)}")
        return None
    return value


def refuse_unknown(data: Mapping[Any, Any], known: tuple[str, ...], path: str, problems: Problems) -> None:
    """A problem for each key that nobody knows, with the one that may be meant."""
    for key in data:
        if key not in known:
            problems.unknown(path, key, (name for name in known if name not in IGNORED))
