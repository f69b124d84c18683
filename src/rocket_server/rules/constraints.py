"""Constraints made ready for counting: what each one asks about an event, and what the answer allows.

A refusal says in its detail: `constraint`, `limit`, `used`, and the span that was counted as `since` and
`until` (null where it has no end).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import blake2b
from json.encoder import encode_basestring as _json_text
from typing import Any, Final, Protocol

from rocket_server.conditions.matching import Getter, field
from rocket_server.conditions.values import as_text, is_absent
from rocket_server.events.model import Event
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.evaluate import Count, Outcome, Probe, new_probe
from rocket_server.rules.model import CALENDAR_PATHS, Constraints, Window
from rocket_server.times import rfc3339

# Longer marks are stored as a hash, so that an index over them stays small.
# 45 characters are at most 180 bytes.
MAX_MARK_CHARACTERS: Final = 45
_MICROSECOND: Final = timedelta(microseconds=1)


class Constraint(Protocol):
    """One limit of one rule."""

    name: str

    def probe(self, event: Event) -> Probe | None:
        """What has to be counted for this event; None where the limit doesn't concern it."""

    def allow(self, found: Count, points: int) -> tuple[int, dict[str, int]] | None:
        """How many of `points` may be given and what of the limit is used then; None refuses the award."""

    def holds(self, found: Count, points: int, worth: int) -> bool:
        """Whether awards that stand keep to the limit; one of so many points, that the probe is about, is
        among them. `worth` is what its event would give without any limit."""

    def refusal(self, event: Event, probe: Probe, found: Count) -> tuple[Outcome, dict[str, Any]]:
        """The outcome and detail of an award that is refused."""


def build(constraints: Constraints, calendar: Calendar, *, best: bool = False) -> list[Constraint]:
    """The constraints of a rule in the order in which they are asked: keys, calendar units, cooldown, and
    last the cap on points. With `best`, events of one key give together what the best of them is worth."""
    built: list[Constraint] = []
    if constraints.once:
        built.append(KeyCap("once", 1, _every_award, None))
    if constraints.unique_by:
        key = _unique_key(constraints.unique_by, calendar)
        courses = calendar if "unique_by" in constraints.by_course() else None
        built.append(Best(key, courses) if best else KeyCap("unique_by", 1, key, courses))
    for scope, limit in constraints.scoped():
        built.append(KeyCap(f"max_per_{scope}", limit, _scope_key(scope, field(f"{scope}_id")), calendar))
    for window, limit in constraints.windowed():
        built.append(WindowCap(f"max_per_{window}", limit, window, calendar))
    if constraints.cooldown_minutes is not None:
        built.append(Cooldown(constraints.cooldown_minutes))
    if constraints.max_points_per_day is not None:
        built.append(PointsCap(constraints.max_points_per_day, calendar))
    return built


class _AwardCap:
    """At most `limit` awards among those that the probe counts."""

    __slots__ = ("limit", "name", "outcome")

    def __init__(self, name: str, limit: int, outcome: Outcome) -> None:
        self.name = name
        self.limit = limit
        self.outcome = outcome

    def allow(self, found: Count, points: int) -> tuple[int, dict[str, int]] | None:
        used, limit = found.awards, self.limit
        return (points, {"used": used + 1, "limit": limit}) if used < limit else None

    def holds(self, found: Count, points: int, worth: int) -> bool:
        return found.awards <= self.limit

    def refusal(self, event: Event, probe: Probe, found: Count) -> tuple[Outcome, dict[str, Any]]:
        detail = _counted(self.name, self.limit, found.awards, probe)
        if found.latest is not None:
            detail["last_awarded"] = rfc3339(found.latest)
        return self.outcome, detail


class KeyCap(_AwardCap):
    """once, unique_by, max_per_course|lesson|section: so many awards for one key, in one run of the event's
    course where there is a calendar of them, else ever."""

    __slots__ = ("_calendar", "_key")

    def __init__(
        self, name: str, limit: int, key: Callable[[Event], str | None], calendar: Calendar | None
    ) -> None:
        super().__init__(name, limit, "already_awarded" if limit == 1 else "cap_reached")
        self._key = key
        self._calendar = calendar

    def probe(self, event: Event) -> Probe | None:
        return _probe_in_run(self._key(event), event, self._calendar)


class Best:
    """unique_by beside `best`: what is missing of the event's worth to what was given for its key. It counts
    under the same mark, so that a rule that gave for the first event may come to give for the best."""

    __slots__ = ("_calendar", "_key", "name")

    def __init__(self, key: Callable[[Event], str | None], calendar: Calendar | None) -> None:
        self.name = "best"
        self._key = key
        self._calendar = calendar

    def probe(self, event: Event) -> Probe | None:
        return _probe_in_run(self._key(event), event, self._calendar)

    def allow(self, found: Count, points: int) -> tuple[int, dict[str, int]] | None:
        if found.awards and points <= found.points:
            return None
        return points - found.points, {"used": points, "limit": points}

    def holds(self, found: Count, points: int, worth: int) -> bool:
        return found.points <= worth

    def refusal(self, event: Event, probe: Probe, found: Count) -> tuple[Outcome, dict[str, Any]]:
        detail = _counted(self.name, found.points, found.points, probe)
        if found.latest is not None:
            detail["last_awarded"] = rfc3339(found.latest)
        return "already_awarded", detail


class WindowCap(_AwardCap):
    """max_per_hour|day|week|month|year: so many awards in the calendar unit in which the event occurred."""

    __slots__ = ("_calendar", "_window")

    def __init__(self, name: str, limit: int, window: Window, calendar: Calendar) -> None:
        super().__init__(name, limit, "cap_reached")
        self._window = window
        self._calendar = calendar

    def probe(self, event: Event) -> Probe | None:
        since, until = self._calendar.span(self._window, event.occurred_at)
        return new_probe(("", since, until))


class Cooldown:
    """cooldown_minutes: no other award less than so long before or after the event."""

    __slots__ = ("_distance", "_minutes", "name")

    def __init__(self, minutes: int) -> None:
        self.name = "cooldown_minutes"
        self._minutes = minutes
        self._distance = timedelta(minutes=minutes)

    def probe(self, event: Event) -> Probe | None:
        time = event.occurred_at
        # An award exactly so long ago is far enough: both ends are exclusive, in microseconds.
        return Probe("", time - self._distance + _MICROSECOND, time + self._distance)

    def allow(self, found: Count, points: int) -> tuple[int, dict[str, int]] | None:
        return None if found.awards else (points, {"used": 1, "limit": 1, "minutes": self._minutes})

    def holds(self, found: Count, points: int, worth: int) -> bool:
        return found.awards <= 1

    def refusal(self, event: Event, probe: Probe, found: Count) -> tuple[Outcome, dict[str, Any]]:
        detail: dict[str, Any] = {"constraint": self.name, "limit": self._minutes, "used": found.awards}
        if found.latest is not None:
            # Known awards are at least the cooldown apart, so the last one is the one to wait for.
            until = found.latest + self._distance
            detail["last_awarded"] = rfc3339(found.latest)
            detail["until"] = rfc3339(until)
            detail["seconds_left"] = -((event.occurred_at - until) // timedelta(seconds=1))
        return "cooldown", detail


class PointsCap:
    """max_points_per_day: awards the rest that fits."""

    __slots__ = ("_calendar", "_limit", "name")

    def __init__(self, limit: int, calendar: Calendar) -> None:
        self.name = "max_points_per_day"
        self._limit = limit
        self._calendar = calendar

    def probe(self, event: Event) -> Probe | None:
        since, until = self._calendar.day(event.occurred_at).day
        return new_probe(("", since, until))

    def allow(self, found: Count, points: int) -> tuple[int, dict[str, int]] | None:
        # More than the limit is used where a version of the rule had a higher one.
        rest = min(points, max(0, self._limit - found.points))
        if rest <= 0 < points:
            return None
        return rest, {"used": found.points + rest, "limit": self._limit}

    def holds(self, found: Count, points: int, worth: int) -> bool:
        return found.points <= self._limit or not points

    def refusal(self, event: Event, probe: Probe, found: Count) -> tuple[Outcome, dict[str, Any]]:
        return "cap_reached", _counted(self.name, self._limit, found.points, probe)


def _probe_in_run(mark: str | None, event: Event, calendar: Calendar | None) -> Probe | None:
    """What is counted under a key: awards of the run of the course that the event is from."""
    if mark is None:
        return None
    if calendar is None:
        return new_probe((mark, None, None))
    since, until = calendar.resets.run(event.source, event.properties, event.occurred_at)
    return new_probe((mark, since, until))


def _counted(name: str, limit: int, used: int, probe: Probe) -> dict[str, Any]:
    return {
        "constraint": name,
        "limit": limit,
        "used": used,
        "since": None if probe.since is None else rfc3339(probe.since),
        "until": None if probe.until is None else rfc3339(probe.until),
    }


def _every_award(event: Event) -> str:
    return ""


def _scope_key(scope: str, value_of: Getter) -> Callable[[Event], str | None]:
    prefix = f"{scope}:"

    def key(event: Event) -> str:
        value = value_of(event)
        # An event without the id has a key of its own: `course:`.
        if is_absent(value):
            return prefix
        return _mark(prefix, value if type(value) is str else _key_text(value))

    return key


def _unique_key(paths: Sequence[str], calendar: Calendar) -> Callable[[Event], str | None]:
    def unit_of(window: Window) -> Getter:
        return lambda event: calendar.day(event.occurred_at).name(window)

    getters = [unit_of(CALENDAR_PATHS[path]) if path in CALENDAR_PATHS else field(path) for path in paths]

    def key(event: Event) -> str | None:
        text = ""
        for value_of in getters:
            value = value_of(event)
            if value is None or value == "":
                return None
            text += "," + _json_text(value if type(value) is str else _key_text(value))
        return _mark("unique:", f"[{text[1:]}]")

    return key


def _key_text(value: Any) -> str:
    text = as_text(value)
    return text if text is not None else json.dumps(value, sort_keys=True, default=str)


def _mark(prefix: str, text: str) -> str:
    """The mark of a key. One that is long, or has characters that a text column can't hold, is hashed; so
    is one that looks like a hash, to keep them apart."""
    if len(text) <= MAX_MARK_CHARACTERS and text.isprintable() and not text.startswith("#"):
        return prefix + text
    encoded = text.encode("utf-8", "surrogatepass")
    return f"{prefix}#{blake2b(encoded, digest_size=16).hexdigest()}"
