"""The catalogue of Moodle activities: which events are worth something, whose they are, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from rocket_server.errors import ConfigurationError

# Of Moodle's two fields, `userid` is who did it and `relateduserid` whom it is about. Some events name the
# learner in the second only where somebody else acts for them.
LearnerField = Literal["userid", "relateduserid", "relateduserid_or_userid"]
LEARNER_FIELDS: Final[tuple[str, ...]] = get_args(LearnerField)
Period = Literal["hour", "day", "week", "month", "year"]

# What makes a second activity a repeat, as constraints of a rule. `@day` and `@year` are those of the event
# in the organisation's zone.
ONCE_PER: Final[Mapping[str, Mapping[str, Any]]] = {
    "event": {},
    "once": {"once": True},
    "day": {"max_per_day": 1},
    "course": {"max_per_course": 1},
    "lesson": {"max_per_lesson": 1},
    "resource": {"unique_by": ["module", "lesson_id"]},
    "object": {"unique_by": ["object_id"]},
    "attempt": {"unique_by": ["attempt_id"]},
    "course+day": {"unique_by": ["course_id", "@day"]},
    "course+year": {"unique_by": ["course_id", "@year"]},
    "object+day": {"unique_by": ["object_id", "@day"]},
}

EVENT_NAME: Final = re.compile(r"[a-z]+\.[a-z_]+")
MAX_POINTS: Final = 1_000_000
_MOODLE_NAME: Final = re.compile(r"\\[a-z][a-z0-9_]*\\event\\[a-z0-9_]+")
_BUNDLED: Final = "moodle.json"


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max` awards in one calendar `per` of the organisation's zone."""

    per: Period
    max: int


class Withdraws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an event takes back: `event` of the same learner with the same value of the property `by`, if each
    property of `when` has one of the values named there. With `author` the learner is who made what is taken
    back, whoever takes it back: the platform names only the latter."""

    event: str
    by: str = "object_id"
    when: Mapping[str, tuple[str, ...]] = {}
    author: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """One Moodle event type and the rule that it suggests. `points` are per award."""

    eventname: str
    event: str
    title: str
    learner: LearnerField
    once_per: str
    points: int
    cap: Cap | None = None
    condition: Mapping[str, Any] | None = None  # in the language of rules, on the stored event
    default: bool = False  # the rule is active from the start
    in_course: bool = False  # every event of this type belongs to a course
    other: tuple[str, ...] = ()  # parts of the event's `other`, sent as `other_NAME`
    withdraws: Withdraws | None = None  # the event takes back what an earlier one had earned
    versions: tuple[str, ...] = ("4.1", "4.5")  # the checked Moodle versions that have this event

    def constraints(self) -> dict[str, Any]:
        """`once_per` and `cap` as the constraints of a rule."""
        constraints = dict(ONCE_PER[self.once_per])
        if self.cap:
            period = f"max_per_{self.cap.per}"
            constraints[period] = min(self.cap.max, constraints.get(period, self.cap.max))
        return constraints


@cache
def load(path: Path | None = None) -> Mapping[str, Activity]:
    """The activities by eventname: the bundled ones, changed and extended by the file at `path`.

    The file is read once per process. Raises ConfigurationError, naming the entry, where it can't be used.
    """
    entries = _entries((files(__package__) / _BUNDLED).read_bytes(), _BUNDLED)
    if path is not None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"The catalogue {path} can't be read: {error.strerror}.") from error
        for eventname, own in _entries(content, str(path)).items():
            entries[eventname] = {**entries.get(eventname, {}), **own}
    return {eventname: _activity(entry, str(path or _BUNDLED)) for eventname, entry in entries.items()}


def _entries(content: bytes, origin: str) -> dict[str, dict[str, Any]]:
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
        listed = msgspec.convert(document["activities"], list[dict[str, Any]])
        return {str(entry["eventname"]): entry for entry in listed}
    except KeyError as error:
        raise ConfigurationError(f"The catalogue {origin} lacks {error}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"The catalogue {origin} can't be read: {error}.") from error


def _activity(entry: Mapping[str, Any], origin: str) -> Activity:
    where = f"The catalogue {origin}, {entry['eventname']}"
    try:
        unknown = entry.keys() - Activity.__dataclass_fields__.keys()
        if unknown:
            raise ConfigurationError(f"{where}: unknown field {min(unknown)!r}.")
        activity = msgspec.convert(dict(entry), Activity)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}.") from error
    if not _MOODLE_NAME.fullmatch(activity.eventname):
        raise ConfigurationError(f"{where}: eventname must look like \\component\\event\\name.")
    if not EVENT_NAME.fullmatch(activity.event):
        raise ConfigurationError(f"{where}: event must look like domain.action, lower-case letters only.")
    if activity.once_per not in ONCE_PER:
        raise ConfigurationError(f"{where}: once_per must be one of {', '.join(ONCE_PER)}.")
    if not 0 <= activity.points <= MAX_POINTS:
        raise ConfigurationError(f"{where}: points must be 0 to {MAX_POINTS}.")
    if activity.cap and activity.cap.max < 1:
        raise ConfigurationError(f"{where}: cap.max must be at least 1.")
    return activity
