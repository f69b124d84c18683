"""What Moodle's Event Trigger plugin sends becomes an Event: whose it is, what it means, if it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rocket_server.catalogue import LearnerField
from rocket_server.errors import InvalidPayload
from rocket_server.events.model import CompletionState, Event, dedupe_key
from rocket_server.identities import names_nothing, normal
from rocket_server.organisations.model import Source
from rocket_server.sources import checks, filters, mappings, moodle_resets
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.moodle_fields import (
    ENCODING,
    EXACT,
    PLAIN,
    UNDAMAGED,
    URL_ENCODED,
    Fields,
    Layout,
    decode,
    is_empty,
    layout_of,
    of_person,
)
from rocket_server.sources.moodle_flat import (
    COMPLETION,
    USER_GRADED,
    component_of,
    metadata_of,
    properties_of,
)
from rocket_server.sources.times import EARLIEST

_NOBODY: Final = frozenset({"0", "-1"})
_GUEST: Final = "1"
_INTEGER: Final = re.compile(r"[0-9]{1,18}")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_USER_ID: Final = re.compile(r"-?[0-9]{1,18}")
_ADD_RELATEDUSERID: Final = (
    ' The learner of this event is relateduserid, which wasn\'t sent or was empty: add "relateduserid":'
    ' "{relateduserid}" to the workflow\'s template.'
)


_NO_NUMBER: Final = (
    "The event came without its number (id), as older releases of the Event Trigger plugin send it: it is"
    " told from others by what it says. Update the plugin, so that two acts of one second are two events."
)
# What tells events without a number apart: fields of Moodle's own, which every template sends alike. Look-ups
# may change between two sends of one event.
_TELLING: Final = (
    *("timecreated", "userid", "relateduserid", "realuserid", "objectid", "courseid"),
    *("contextid", "contextlevel", "contextinstanceid", "anonymous"),
)


def read(fields: Mapping[str, Any], context: ReadingContext) -> Event:
    """The event in a body's fields.

    Raises InvalidPayload where a required field is missing or can't be read. An event that is unknown,
    nobody's or filtered is no error: its `ignored` says why it doesn't count.
    """
    return reread(decode(fields), context)


def reread(received: Mapping[str, Any], context: ReadingContext) -> Event:
    """The event in fields that were decoded before (`Event.received`), by today's mappings and filters."""
    source = context.source
    fields: Fields = dict(received)
    eventname = _required(fields, "eventname")
    own_id = _own_id(fields)
    event_id = None if own_id is not None and "id" not in fields else _event_id(fields)
    is_numbered = event_id is not None and int(event_id) != 0
    if len(eventname) > 255:
        raise InvalidPayload.field("eventname", "must have at most 255 characters")
    occurred_at = _occurred_at(_required(fields, "timecreated"), context)
    if is_numbered:
        key = dedupe_key(source.name, eventname, str(event_id), fields["timecreated"])
    elif own_id is not None:
        # As an API caller's or a CSV row's of this source: what our plugin exports is what it sent.
        key = dedupe_key(source.name, own_id)
    else:
        key = dedupe_key(source.name, eventname, "", *_content(fields))

    layout = layout_of(fields)
    properties = properties_of(fields, layout, eventname)
    unnamed = checks.leave_out_nothing(properties)
    mapped = mappings.resolve(eventname, source.mappings, context.activities)
    reading = _interpret(fields, layout, properties, mapped, source)
    return Event(
        event=reading.event,
        source=source.name,
        user_id=None if reading.learner is None else f"{source.name}:{reading.learner}",
        occurred_at=occurred_at,
        properties=properties,
        metadata=metadata_of(fields, layout),
        dedupe_key=key,
        source_event_id=event_id or own_id,
        source_kind=source.kind,
        sequence=_sequence(fields, event_id),
        completion=reading.completion,
        email=reading.email,
        ignored=reading.ignored,
        filtered=reading.filtered,
        notes=(*(() if is_numbered or own_id else (_NO_NUMBER,)), *reading.notes, *unnamed),
        site=_site(fields.get("wwwroot")),
        received=fields,
        resets_course=moodle_resets.resets_course(fields, properties, source),
    )


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two copies of one event, as received by two workflows: every field that either of them has.

    Where they differ, our own plugin's value counts, then one that came URL-encoded, since the other way
    damages look-ups. The result passes for undamaged only where its e-mail addresses are.
    """
    better, other = second, first
    if _RANK[second.get(ENCODING)] <= _RANK[first.get(ENCODING)]:
        better, other = first, second
    merged = {**other, **better}
    addresses_from = {
        (better if name in better else other).get(ENCODING) for name in merged if name.endswith("email")
    } or {better.get(ENCODING)}
    merged[ENCODING] = min(addresses_from, key=_RANK.__getitem__) or PLAIN
    return merged


check_mappings = mappings.check


# Which of two copies of an event is to be believed.
_RANK: Final = {None: 0, PLAIN: 0, URL_ENCODED: 1, EXACT: 2}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What an event means to Rocket. `learner` is a Moodle user id."""

    event: str
    learner: str | None = None
    completion: CompletionState | None = None
    email: str | None = None
    ignored: str | None = None
    filtered: bool = False
    notes: tuple[str, ...] = ()


def _interpret(
    fields: Fields,
    layout: Layout,
    properties: Mapping[str, Any],
    mapped: mappings.Mapped | None,
    source: Source,
) -> _Reading:
    eventname = fields["eventname"]
    if mapped is None and eventname == moodle_resets.COURSE_RESET:
        return _Reading("course.reset", ignored=moodle_resets.reason(fields, properties, source))
    if mapped is None:
        return _Reading(
            _unknown_name(eventname),
            ignored=(
                f"unknown_event: {eventname} is neither in the catalogue nor among the source's mappings."
                " Map it on the source if it should count, and run the event again."
            ),
        )
    event, notes = mapped.event, list[str]()
    completion: CompletionState | None = None
    if eventname == COMPLETION:
        event, completion = _completion(event, properties.get("completionstate"), notes)
    if eventname == USER_GRADED and is_empty(fields, "other_finalgrade"):
        return _Reading(event, ignored="no_grade: Moodle's gradebook changed, and holds no grade now.")
    learner = _learner(fields, mapped.learner, source.staff_ids)
    notes.extend(learner.notes)
    if learner.moodle_id is None:
        return _Reading(event, None, completion, ignored=learner.ignored, notes=tuple(notes))
    email = of_person(fields, layout, learner.moodle_id, "email")
    suspended = of_person(fields, layout, learner.moodle_id, "suspended")
    reason, filter_notes = filters.apply(source.filters, properties, fields.get("contextlevel"), suspended)
    return _Reading(
        event,
        learner.moodle_id,
        completion,
        email=_address(email) if fields.get(ENCODING) in UNDAMAGED else None,
        ignored=reason,
        filtered=reason is not None,
        notes=(*notes, *filter_notes),
    )


@dataclass(frozen=True, slots=True)
class _Learner:
    moodle_id: str | None
    ignored: str | None = None
    notes: tuple[str, ...] = ()


def _learner(fields: Fields, named_by: LearnerField, staff_ids: frozenset[str]) -> _Learner:
    """Who the event is about. Which field names the learner depends on the event type alone."""
    # Two event types repeat the learner among the parts of `other`.
    related = fields.get("relateduserid") or fields.get("other_relateduserid")
    if named_by == "relateduserid_or_userid" and related == "0":
        related = None  # what a group hands in together is nobody's own: it is theirs who did it
    actor = fields.get("userid")
    advice = ""
    notes: tuple[str, ...] = ()
    if named_by != "userid" and related is not None:
        learner = _user_id("relateduserid", related)
    else:
        learner = _user_id("userid", _required(fields, "userid"))
        if named_by == "relateduserid":
            advice = _ADD_RELATEDUSERID
            notes = (f"userid was taken for the learner.{advice}",)
    if learner in staff_ids:
        return _Learner(None, f"staff: user {learner} is listed as staff on this source.{advice}")
    if (role := fields.get("excluded")) is not None:
        return _Learner(
            None, f"staff: user {learner} is {role} where this happened, which Moodle's settings exclude."
        )
    if learner in _NOBODY or learner.startswith("-"):
        return _Learner(None, f"nobody: Moodle names no user for this event (user {learner}).{advice}")
    if learner == _GUEST:
        return _Learner(None, f"guest: user 1 is Moodle's guest account.{advice}")
    real = fields.get("realuserid")
    if real is not None and real != actor and actor == learner:
        return _Learner(None, f"logged_in_as: user {real} was logged in as user {learner}.")
    return _Learner(learner, None, notes)


def _completion(event: str, state: str | None, notes: list[str]) -> tuple[str, CompletionState | None]:
    """The meaning of a changed completion (lib/completionlib.php: 0 not, 1 done, 2 passed, 3 failed)."""
    if state in {"1", "2"}:
        return event, "completed"
    if state == "0":
        return "lesson.reopened", "reopened"
    if state == "3":
        return "lesson.failed", None
    notes.append(
        "Taken for a completion that is never taken back, because other_completionstate wasn't sent:"
        ' add "other_completionstate": "{other_completionstate}" to the workflow\'s template.'
    )
    return event, None


def _required(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if value is None:
        raise InvalidPayload.field(name, f'is missing or empty; the template needs "{name}": "{{{name}}}"')
    return value


def _event_id(fields: Fields) -> str | None:
    """The number that the plugin gave an event; None where it had none to put into the template."""
    if is_empty(fields, "id"):
        return None
    event_id = _required(fields, "id")
    if not _INTEGER.fullmatch(event_id):
        raise InvalidPayload.field("id", "must be the number that Moodle gave the event")
    return event_id


def _sequence(fields: Fields, event_id: str | None) -> int:
    """What orders states of one second: Event Trigger's number, or the place in our own plugin's queue."""
    text = event_id if event_id is not None else fields.get("sequence", "")
    return int(text) if _INTEGER.fullmatch(text) else 0


def _own_id(fields: Fields) -> str | None:
    """The id that our own plugin gave an event."""
    own_id = fields.get("event_id") if fields.get(ENCODING) == EXACT else None
    try:
        return None if own_id is None else checks.event_id(own_id)
    except checks.Fault as fault:
        raise InvalidPayload.field("event_id", str(fault)) from None


def _content(fields: Fields) -> list[str]:
    names = [*_TELLING, *sorted(name for name in fields if name.startswith("other_"))]
    return [part for name in names if name in fields for part in (name, fields[name])]


def _user_id(name: str, text: str) -> str:
    if not _USER_ID.fullmatch(text):
        raise InvalidPayload.field(name, "must be a Moodle user's number")
    return str(int(text))


def _site(text: str | None) -> str | None:
    """Where the event is from; None also where a template put a word for no value."""
    return None if text is None or names_nothing(text) else text


def _address(text: str | None) -> str | None:
    """An e-mail address that can identify a person, in lower case; None for anything doubtful."""
    return (
        normal(text).lower() if text is not None and len(text) <= 254 and _ADDRESS.fullmatch(text) else None
    )


def _occurred_at(text: str, context: ReadingContext) -> datetime:
    """Unix seconds, or ISO 8601, which without a zone is in the organisation's."""
    try:
        if _INTEGER.fullmatch(text):
            occurred_at = datetime.fromtimestamp(int(text), UTC)
        else:
            parsed = datetime.fromisoformat(text)
            occurred_at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=context.timezone)).astimezone(
                UTC
            )
    except (ValueError, OverflowError, OSError):
        raise InvalidPayload.field("timecreated", "must be a time in Unix seconds") from None
    if occurred_at < EARLIEST:
        raise InvalidPayload.field("timecreated", "lies before the year 2000")
    if occurred_at > context.received_at + timedelta(seconds=context.max_ahead_s):
        raise InvalidPayload.field(
            "timecreated", f"lies more than {context.max_ahead_s} seconds ahead of this server's clock"
        )
    return occurred_at


def _unknown_name(eventname: str) -> str:
    """A valid name for an event that isn't mapped; its domain keeps it apart from all that are."""
    component = component_of(eventname).removeprefix("mod_")
    action = f"{component}_{eventname.rsplit(chr(92), 1)[-1]}".lower()
    letters = re.sub(r"_+", "_", re.sub(r"[^a-z_]", "", action)).strip("_")
    return f"moodle.{letters[:100] or 'unknown'}"
