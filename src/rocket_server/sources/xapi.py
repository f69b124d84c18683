"""Statements of xAPI, as Valamis and other learning record stores send them on.

Verbs and activities are known by the last word of their IRIs, whoever's vocabulary they are from. A statement
that voids another is merged into it, in either order: both have the key of the one that is voided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources import adapter, checks, parts, xapi_fields
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.parts import Parts

UNKNOWN: Final = "xapi.unknown"
VOIDED: Final = "statement.voided"

_VOIDING: Final = "http://adlnet.gov/expapi/verbs/voided"
_is_uuid: Final = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch
_VOIDED_BY: Final = "voided_by"  # where the voiding statement stands in what is kept of the other
# The action of an event's name by the verb; its domain is what the activity is. Whoever passed has completed.
_ACTIONS: Final = {
    "completed": "completed",
    "passed": "completed",
    "mastered": "completed",
    "satisfied": "completed",
    "failed": "failed",
    "attempted": "started",
    "initialized": "started",
    "launched": "launched",
    "progressed": "progressed",
    "scored": "scored",
    "answered": "answered",
    "registered": "enrolled",
    "enrolled": "enrolled",
    "unregistered": "unenrolled",
    "unenrolled": "unenrolled",
    "experienced": "viewed",
    "viewed": "viewed",
    "read": "viewed",
    "watched": "viewed",
    "logged-in": "logged_in",
    "loggedin": "logged_in",
}
_UNKNOWN: Final = "unknown_event: nothing here counts the verb {}"
_NO_ACTIVITY: Final = "no_activity: the statement is about {}, and no activity"
_GROUP: Final = "no_learner: the actor is a group, and points are for one learner"
_VOID: Final = "voided: the statement was voided{}"


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event in a statement. Raises InvalidPayload, which names every field that can't be read."""
    if _VOIDED_BY in fields:  # is ours to say
        fields = {name: value for name, value in fields.items() if name != _VOIDED_BY}
    return reread(fields, context)


def reread(received: Mapping[str, Any], context: ReadingContext) -> Event:
    """As `read`, of what is kept of a statement, with what voided it."""
    fields, source = dict(received), context.source
    statement = Parts(fields, context)
    verb = statement.text("verb.id", reader=checks.identifier, required=_VOIDED_BY not in fields)
    unseen = verb is None and not statement.errors
    times = (f"{_VOIDED_BY}.timestamp", f"{_VOIDED_BY}.stored") if unseen else ("timestamp", "stored")
    occurred_at = statement.time(*times, required=False)
    if unseen:
        return _voided_unseen(fields, source, occurred_at)
    if verb == _VOIDING:
        return _voiding(statement, source, occurred_at)
    event_id = statement.text("id", reader=statement_id)
    activity = statement.object("object")
    kind = statement.at("object.objectType") or "Activity"
    action = _ACTIONS.get(xapi_fields.last_word(verb or ""))
    user_id, site, ignored = None, None, None
    if kind != "Activity":
        ignored = _NO_ACTIVITY.format(checks.printable_path(str(kind)))
    elif action is None:
        ignored = _UNKNOWN.format(checks.printable_path(verb or ""))
    elif statement.at("actor.objectType") == "Group":
        ignored = _GROUP
    else:
        user_id, site = xapi_fields.actor(statement, source.site)
        if user_id is not None and len(f"{source.name}:{user_id}") > checks.MAX_ID:
            statement.fault("actor", f"must have an id of at most {checks.MAX_ID} characters")
    name, properties = UNKNOWN, dict[str, Any]()
    if ignored is None and action is not None:
        name, properties = _meaning(statement, activity, action)
    if statement.errors:
        statement.refuse()
    if _VOIDED_BY in fields:
        ignored = _VOID.format(_by(fields[_VOIDED_BY]))
    return parts.event(
        name,
        source,
        user_id,
        occurred_at,
        properties,
        (event_id if event_id is not None else _digest(fields),),
        fields,
        event_id=event_id,
        metadata={"lms_eventname": verb},
        email=_email(statement),
        ignored=ignored,
        site=site,
    )


# Of two copies, or of a statement and the one that voids it, what the first says stays.
merge = adapter.filled_up
check_mappings = adapter.no_mappings


def statement_id(value: Any) -> str:
    """A statement's id; UUIDs in small letters. Else Fault."""
    text = checks.event_id(value)
    return text.lower() if _is_uuid(text) else text


def id_of(fields: Any) -> str | None:
    """The id that a statement was sent with, as it was sent."""
    found = fields.get("id") if isinstance(fields, Mapping) else None
    return found if isinstance(found, str) and found else None


def _meaning(statement: Parts, activity: Mapping[str, Any], action: str) -> tuple[str, dict[str, Any]]:
    """An event's name and properties."""
    object_id = statement.text("object.id", reader=xapi_fields.identifier, required=True)
    domain = xapi_fields.kind_of(activity)
    found = xapi_fields.result(statement)
    verb = xapi_fields.last_word(str(statement.at("verb.id")))
    if verb in ("passed", "mastered", "failed"):
        found.setdefault("passed", verb != "failed")
    found["registration"] = statement.text("context.registration", reader=checks.identifier)
    found["platform"] = statement.text("context.platform", reader=parts.title)
    if domain != "course":
        found |= _course(statement)
    if domain in ("course", "program", "section"):
        found[f"{domain}_id"], found[f"{domain}_title"] = object_id, xapi_fields.title_of(activity)
    else:
        found["lesson_id"], found["lesson_title"] = object_id, xapi_fields.title_of(activity)
    if domain == "quiz":
        found["quiz_id"] = object_id
        found["attempt_id"] = _attempt(found["registration"], object_id)
    if domain == "question":
        found["question_id"] = object_id
        found["lesson_id"] = next(
            (xapi_fields.identifier(one["id"]) for _, one in xapi_fields.context_activities(statement)
             if isinstance(one["id"], str) and xapi_fields.kind_of(one) != "course"),
            object_id,
        )  # fmt: skip
    if action == "completed" and xapi_fields.is_unfinished(statement):
        action = "progressed"
    elif action in ("completed", "failed"):
        # A quiz that was failed was taken; a lesson or course that was failed isn't done.
        action = "completed" if domain == "quiz" or found.get("passed", action == "completed") else "failed"
    if action == "enrolled":
        found["object_id"] = object_id
    if action == "viewed" and "lesson_id" in found:
        found["module"] = xapi_fields.last_word(str(parts.at(activity, "definition.type") or domain))
        return "resource.viewed", found
    if action == "logged_in":
        return "user.logged_in", {}
    return f"{domain}.{action}", found


def _course(statement: Parts) -> dict[str, Any]:
    """The course that an activity belongs to: one that says so, else the outermost that it stands in."""
    around = [(path, one) for path, one in xapi_fields.context_activities(statement)]
    course = next((one for one in around if xapi_fields.kind_of(one[1]) == "course"), None)
    if course is None and around:
        course = next((one for one in around if ".grouping" in one[0]), around[-1])
    if course is None:
        return {}
    path, activity = course
    try:
        course_id = xapi_fields.identifier(activity["id"])
    except checks.Fault as fault:
        statement.fault(f"{path}.id", str(fault))
        return {}
    return {"course_id": course_id, "course_title": xapi_fields.title_of(activity)}


def _attempt(registration: str | None, quiz_id: str | None) -> str | None:
    """What a quiz counts once by: each registration, or, where none is told, the quiz."""
    if registration is None or quiz_id is None:
        return quiz_id
    whole = f"{registration}:{quiz_id}"
    if len(whole) <= checks.MAX_ID:
        return whole
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _voiding(statement: Parts, source: Source, occurred_at: datetime) -> Event:
    """A statement that voids another, as an event of the other's key."""
    if statement.at("object.objectType") != "StatementRef":
        statement.fault("object.objectType", 'must be "StatementRef" where the verb is voided')
    voided = statement.text("object.id", reader=statement_id, required=True)
    statement.text("id", reader=statement_id)
    if statement.errors or voided is None:
        statement.refuse()
    received = {_VOIDED_BY: {**statement.fields, "object": {"objectType": "StatementRef", "id": voided}}}
    return _voided_unseen(received, source, occurred_at)


def _voided_unseen(received: dict[str, Any], source: Source, occurred_at: datetime) -> Event:
    """The event of a statement that was voided before it came."""
    voided = str(parts.at(received, f"{_VOIDED_BY}.object.id"))
    return parts.event(
        VOIDED,
        source,
        None,
        occurred_at,
        {},
        (voided,),
        received,
        event_id=voided,
        ignored=_VOID.format(_by(received[_VOIDED_BY])),
    )


def _by(voiding: Any) -> str:
    found = id_of(voiding)
    return "" if found is None else f" by {checks.printable_path(found)}"


def _digest(fields: Mapping[str, Any]) -> str:
    """What tells two statements apart that have no id: all that their sender wrote."""
    written = {
        name: value
        for name, value in fields.items()
        if name not in ("stored", "authority", "version", _VOIDED_BY)
    }
    return parts.digest(written)


def _email(statement: Parts) -> str | None:
    mbox = statement.at("actor.mbox")
    try:
        return None if mbox is None else xapi_fields.address(mbox)
    except checks.Fault:
        return None
