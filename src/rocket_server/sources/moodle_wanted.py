"""Which events a Moodle should send: what its plugin asks before it keeps one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rocket_server.catalogue import Activity
from rocket_server.sources import mappings
from rocket_server.sources.moodle_resets import COURSE_RESET


class Wanted(NamedTuple):
    """An event by Moodle's name. `learner` is the field that names whose it is, empty for nobody's."""

    eventname: str
    learner: str
    title: str


def wanted(own: Mapping[str, Any], activities: Mapping[str, Activity]) -> Iterator[Wanted]:
    """The events of the catalogue and of a source's `own` mappings, and that by which courses begin anew."""
    for eventname in dict.fromkeys([*activities, *own]):
        mapped = mappings.resolve(eventname, own, activities)
        if mapped is not None:
            title = activities[eventname].title if eventname in activities else mapped.event
            yield Wanted(eventname, mapped.learner, title)
    if COURSE_RESET not in activities and COURSE_RESET not in own:
        yield Wanted(COURSE_RESET, "", "A course was reset")
