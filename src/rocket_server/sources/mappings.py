"""An administrator's own mappings of Moodle events: what they may say, and what they change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from rocket_server.catalogue import (
    EVENT_NAME,
    LEARNER_FIELDS,
    MAX_POINTS,
    ONCE_PER,
    Activity,
    LearnerField,
)
from rocket_server.errors import FieldError
from rocket_server.sources import withdrawals

MAX_MAPPINGS: Final = 500  # of one source
_MAX_ERRORS: Final = 50
_EVENTNAME: Final = re.compile(r"\\[a-z][a-z0-9_]*\\event\\[a-z0-9_]+")
_PATH: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_KNOWN: Final = frozenset({"event", "learner", "once_per", "points", "points_from", "withdraws"})


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a Moodle event becomes, and the field that names its learner."""

    event: str
    learner: LearnerField


def resolve(eventname: str, mappings: Mapping[str, Any], activities: Mapping[str, Activity]) -> Mapped | None:
    """The administrator's mapping laid over the catalogue's entry; None for an event that neither knows."""
    activity = activities.get(eventname)
    own = mappings.get(eventname)
    if not isinstance(own, Mapping):
        return Mapped(activity.event, activity.learner) if activity else None
    event = own.get("event") or (activity.event if activity else None)
    if not isinstance(event, str):
        return None
    learner = own.get("learner") or (activity.learner if activity else "userid")
    return Mapped(event, cast(LearnerField, learner))


def check(mappings: Any, activities: Mapping[str, Activity]) -> list[FieldError]:
    """What is wrong with a source's mappings; an event of the catalogue needs to name only what changes."""
    if not isinstance(mappings, Mapping):
        return [FieldError("mappings", "must be an object whose keys are Moodle event names")]
    if len(mappings) > MAX_MAPPINGS:
        return [FieldError("mappings", f"must have at most {MAX_MAPPINGS} entries, has {len(mappings)}")]
    errors: list[FieldError] = []
    for eventname, mapping in mappings.items():
        if len(errors) >= _MAX_ERRORS:
            break
        path = f"mappings.{eventname}"
        if not isinstance(eventname, str) or not _EVENTNAME.fullmatch(eventname):
            errors.append(FieldError(path, "must be a Moodle event name, \\component\\event\\name"))
        elif not isinstance(mapping, Mapping):
            errors.append(FieldError(path, "must be an object with event, learner and once_per"))
        else:
            errors.extend(_check_one(path, mapping, known=eventname in activities))
    return errors


def _check_one(path: str, mapping: Mapping[str, Any], *, known: bool) -> list[FieldError]:
    errors = [FieldError(f"{path}.{name}", "is not known here") for name in mapping if name not in _KNOWN]
    if not known:
        errors += [
            FieldError(f"{path}.{name}", "is required, since the catalogue doesn't know this event")
            for name in ("event", "learner", "once_per")
            if mapping.get(name) is None
        ]

    def must(name: str, holds: bool, expected: str) -> None:
        if mapping.get(name) is not None and not holds:
            errors.append(FieldError(f"{path}.{name}", expected))

    event, points, source = mapping.get("event"), mapping.get("points"), mapping.get("points_from")
    must(
        "event",
        isinstance(event, str) and EVENT_NAME.fullmatch(event) is not None,
        "must look like domain.action, in lower-case letters",
    )
    must("learner", mapping.get("learner") in LEARNER_FIELDS, f"must be {' or '.join(LEARNER_FIELDS)}")
    must("once_per", _is_in(mapping.get("once_per"), ONCE_PER), f"must be one of {', '.join(ONCE_PER)}")
    must(
        "points",
        isinstance(points, int) and not isinstance(points, bool) and 0 <= points <= MAX_POINTS,
        f"must be an integer from 0 to {MAX_POINTS}",
    )
    must(
        "points_from",
        isinstance(source, str) and _PATH.fullmatch(source) is not None,
        "must be a dotted path into the event, such as properties.score",
    )
    if mapping.get("withdraws") is not None:
        errors += withdrawals.faults(mapping["withdraws"], f"{path}.withdraws")
    return errors


def _is_in(value: Any, allowed: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in allowed
