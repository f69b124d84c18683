"""When courses began anew: what rules count by a course, lesson or key counts within one run of it; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from rocket_server.conditions.values import as_text

# A reset that names no source is one of the course in all of them.
EVERY_SOURCE: Final = ""


class Reset(NamedTuple):
    """A course of a source began anew at `at` (UTC); what occurs at that moment is in the new run."""

    course_id: str
    source: str
    at: datetime


class Run(NamedTuple):
    """The time from one reset of a course up to, but without, the next. None is an open end."""

    since: datetime | None
    until: datetime | None


WHOLE: Final = Run(None, None)


class Resets:
    """All resets of an organisation's courses."""

    def __init__(self, resets: Iterable[Reset] = ()) -> None:
        times: dict[tuple[str, str], set[datetime]] = {}
        for course_id, source, at in resets:
            times.setdefault((course_id, source), set()).add(at)
        self._times = {course: sorted(of_it) for course, of_it in times.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resets) and self._times == other._times

    __hash__ = None  # type: ignore[assignment]

    def run(self, source: str, properties: Mapping[str, Any], time: datetime) -> Run:
        """The run of its course in which an event of a source occurred; all time where it names none."""
        if not self._times:
            return WHOLE
        course_id = as_text(properties.get("course_id"))
        if course_id is None:
            return WHOLE
        since = until = None
        for name in (source, EVERY_SOURCE):
            times = self._times.get((course_id, name))
            if times is None:
                continue
            place = bisect_right(times, time)
            if place and (since is None or times[place - 1] > since):
                since = times[place - 1]
            if place < len(times) and (until is None or times[place] < until):
                until = times[place]
        return WHOLE if since is None and until is None else Run(since, until)


NO_RESETS: Final = Resets()
