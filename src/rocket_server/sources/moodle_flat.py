"""A Moodle event in the flat stored form: what rules test, what an administrator sees."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

import msgspec

from rocket_server.sources.moodle_fields import Fields, Layout

COMPLETION: Final = "\\core\\event\\course_module_completion_updated"
USER_GRADED: Final = "\\core\\event\\user_graded"
_BADGE_AWARDED: Final = "\\core\\event\\badge_awarded"
_ROLE_EVENTS: Final = frozenset({"\\core\\event\\role_assigned", "\\core\\event\\role_unassigned"})

# Where personal data is kept in an event's metadata, so that anonymising removes one key.
PERSONAL: Final = "personal"

# Quantities; all else stays text, ids above all.
_QUANTITIES: Final = frozenset(
    {"finalgrade", "currentgrade", "grade", "score", "progress_pct", "time_on_task_sec"}
    | {"onlinetextwordcount", "filesubmissioncount", "grademax"}
)
# What our own plugin sends as lists of texts.
_LISTS: Final = frozenset({"role_ids", "role_names", "group_ids", "cohort_ids", "category_ids"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


def component_of(eventname: str) -> str:
    """`mod_quiz` of `\\mod_quiz\\event\\attempt_submitted`."""
    return eventname.strip("\\").split("\\", 1)[0]


def module_of(component: str) -> str | None:
    """The type of module that a component belongs to, as Moodle names it; None for the core."""
    if component.startswith("mod_"):
        return component[4:]
    if component.startswith(("assignsubmission_", "assignfeedback_")):
        return "assign"
    return None


def properties_of(fields: Fields, layout: Layout, eventname: str) -> dict[str, Any]:
    """What happened, in the names that rules test: `course_id`, `module`, `lesson_id` and so on."""
    properties: dict[str, Any] = {kept_as: fields[name] for name, kept_as in layout.properties}
    for name in _QUANTITIES & properties.keys():
        properties[name] = _quantity(properties[name])
    for name in _LISTS & properties.keys():
        properties[name] = _list(properties[name])
    component = component_of(eventname)
    course_id, object_id = fields.get("courseid"), fields.get("objectid")
    if course_id is not None and course_id not in {"0", "1"}:  # 1 is the site's front page
        properties["course_id"] = course_id
    if object_id is not None:
        properties["object_id"] = object_id
    module = module_of(component)
    if module is not None:
        properties["module"] = module
    lesson_id = _lesson_id(fields, eventname, component, module)
    if lesson_id is not None:
        properties["lesson_id"] = lesson_id
    if component == "mod_quiz" and "\\attempt_" in eventname:
        if object_id is not None:
            properties["attempt_id"] = object_id
        quiz_id = _quiz_id(fields, component)
        if quiz_id is not None:
            properties["quiz_id"] = quiz_id
    if eventname == _BADGE_AWARDED and object_id is not None:
        properties["badge_id"] = object_id
    if eventname in _ROLE_EVENTS and object_id is not None:
        properties["role_id"] = object_id
    actor_id, related_id = fields.get("userid"), fields.get("relateduserid")
    if actor_id is not None:
        properties["actor_id"] = actor_id
    if related_id is not None:
        properties["related_user_id"] = related_id
        properties["by_self"] = related_id == actor_id
    return properties


def metadata_of(fields: Fields, layout: Layout) -> dict[str, Any]:
    """Where the event came from, and under `personal` all that names or describes people."""
    metadata: dict[str, Any] = {kept_as: fields[name] for name, kept_as in layout.metadata}
    if layout.personal:
        metadata[PERSONAL] = {name: fields[name] for name in layout.personal}
    return metadata


def _lesson_id(fields: Fields, eventname: str, component: str, module: str | None) -> str | None:
    if fields.get("contextlevel") == "70" and "contextinstanceid" in fields:
        return fields["contextinstanceid"]
    about_module = module is not None or eventname == COMPLETION
    if about_module and "objectid" in fields:
        return f"{component}:{fields['objectid']}"
    return None


def _quiz_id(fields: Fields, component: str) -> str | None:
    if fields.get("contextlevel") == "70" and "contextinstanceid" in fields:
        return fields["contextinstanceid"]
    # A quiz has another number among quizzes than among modules: the two must not meet.
    return f"{component}:{fields['other_quizid']}" if "other_quizid" in fields else None


def _list(text: str) -> list[str] | str:
    """Texts of a JSON list; what isn't one stays the text that it is."""
    with suppress(msgspec.MsgspecError):
        return _decode_texts(text)
    return text


_decode_texts = msgspec.json.Decoder(list[str]).decode


def _quantity(text: Any) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)
