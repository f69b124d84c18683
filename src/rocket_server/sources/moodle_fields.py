"""The fields of a Moodle body: values decoded as Moodle meant them, look-ups sorted by whom they describe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from rocket_server.errors import InvalidPayload
from rocket_server.sources.body import check_storable

Fields = dict[str, str]

# Kept with the decoded fields: how the values arrived. Only look-ups that came URL-encoded are undamaged.
ENCODING: Final = "_values"
URL_ENCODED: Final = "url-encoded"
PLAIN: Final = "plain"
EXACT: Final = "exact"  # our own plugin's JSON
UNDAMAGED: Final = frozenset({URL_ENCODED, EXACT})
_OWN_PLUGIN: Final = "local_rocket"
# Kept likewise: the names of fields that were sent without a value, where that says something else than not
# sending them. A grade that was taken away arrives so, and as it stands the number of an event, from a plugin
# that has none.
EMPTY: Final = "_empty"
_TELLING_WHEN_EMPTY: Final = frozenset({"other_finalgrade"})
_TELLING_AS_IT_STANDS: Final = {"id": frozenset({"{id}", "%7Bid%7D", "%7bid%7d"})}

# Moodle's own event fields (core\event\base and the log's extra fields) that need no other place.
_METADATA: Final = {
    "component": "component",
    "action": "action",
    "target": "target",
    "crud": "crud",
    "edulevel": "edulevel",
    "objecttable": "object_table",
    "contextid": "context_id",
    "contextlevel": "context_level",
    "contextinstanceid": "context_instance_id",
    "anonymous": "anonymous",
    "origin": "origin",
    "realuserid": "real_user_id",
    "wwwroot": "wwwroot",
    "id": "lms_event_id",
    "eventname": "lms_eventname",
}
_ELSEWHERE: Final = frozenset(
    {"userid", "relateduserid", "courseid", "objectid", "timecreated", "other", "ip", ENCODING, EMPTY}
    | {"event_id", "plugin", "sequence"}
)
# Fields of Moodle's own that are read as ids.
_IDS: Final = frozenset(
    {"id", "userid", "relateduserid", "realuserid", "objectid", "courseid", "contextid", "contextinstanceid"}
    | {"event_id", "other_relateduserid", "other_quizid", "other_attemptid"}
)
# What a learner wrote or is called, among the parts of `other`.
_PERSONAL_OTHERS: Final = frozenset({"username", "content", "newcontent", "sessionid"})
# A group of look-up fields is a person's where its prefix also has one of these.
_PERSON_MARKS: Final = (
    *("email", "username", "firstname", "lastname", "fullname", "idnumber", "phone1", "phone2", "lastip"),
    *("address", "department", "institution", "suspended"),
)
_NO_PERSON: Final = frozenset({"course_", "category_"})
_COURSE_MARK: Final = "shortname"
_COURSE_NAMES: Final = {"fullname": "course_title", "category": "category_id"}

_PLACEHOLDER: Final = re.compile(r"\{[A-Za-z0-9_-]+\}|%7[Bb]id%7[Dd]")


def decode(fields: Mapping[str, Any]) -> Fields:
    """Every value as the text that Moodle meant; what has no value is left out.

    Values are URL-decoded exactly where `eventname` still is URL-encoded. A placeholder that the plugin
    couldn't fill arrives as it stands in the template, and counts as absent. Raises InvalidPayload.
    """
    eventname = fields.get("eventname")
    encoded = isinstance(eventname, str) and eventname[:3].upper() == "%5C"
    decoded: Fields = {}
    empty: list[str] = []
    for name, value in _flat(fields):
        text = value if isinstance(value, str) else _text(name, value)
        if not text or (text[0] in "{%" and _PLACEHOLDER.fullmatch(text)):
            if name in _TELLING_WHEN_EMPTY or text in _TELLING_AS_IT_STANDS.get(name, ()):
                empty.append(name)
            continue
        if encoded and ("%" in text or "+" in text):
            text = _unquote(text)
        decoded[name] = text
    is_own = decoded.get("plugin", "").startswith(_OWN_PLUGIN)
    decoded[ENCODING] = EXACT if is_own else URL_ENCODED if encoded else PLAIN
    if empty:
        decoded[EMPTY] = " ".join(empty)
    check_storable([*decoded, *decoded.values()])
    return decoded


def is_empty(fields: Fields, name: str) -> bool:
    """Whether a field, one of those of which it is kept, was sent without a value."""
    return name not in fields and name in fields.get(EMPTY, "").split()


def _flat(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The fields, with an `other` that some sender left whole in its parts."""
    if ENCODING not in fields and EMPTY not in fields and not isinstance(fields.get("other"), dict):
        return fields.items()
    flat = {name: value for name, value in fields.items() if name not in {ENCODING, EMPTY, "other"}}
    other = fields.get("other")
    parts = {f"other_{part}": value for part, value in other.items()} if isinstance(other, dict) else {}
    return {**flat, **parts}.items()


def _unquote(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")
    except UnicodeEncodeError:
        return text  # a lone surrogate: refused with the rest


def _text(name: str, value: Any) -> str:
    """A value that isn't text, spelled as PHP would: true is "1", but no id; null and false are nothing."""
    if value is None or value is False:
        return ""
    if value is True:
        if name in _IDS:
            raise InvalidPayload.field(name, "must be a number or a text, and is true")
        return "1"
    try:
        return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        raise InvalidPayload.field(name, "can't be read as a text or a number") from None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field goes, which its name alone decides: pairs of a field and its stored name."""

    properties: tuple[tuple[str, str], ...]
    metadata: tuple[tuple[str, str], ...]
    personal: tuple[str, ...]
    people: tuple[str, ...]  # prefixes of the look-up groups that describe a person


def layout_of(fields: Fields) -> Layout:
    """The layout for fields of these names. One workflow always sends the same names, so it is remembered."""
    names = tuple(fields)
    if len(names) <= 100 and sum(map(len, names)) <= 4_000:
        return _remembered_layout(names)
    return _layout(names)


def _layout(names: tuple[str, ...]) -> Layout:
    lookups = [
        name
        for name in names
        if name not in _METADATA and name not in _ELSEWHERE and not name.startswith("other_")
    ]
    courses = ("course_", *(name[: -len(_COURSE_MARK)] for name in lookups if name.endswith(_COURSE_MARK)))
    people = tuple(
        dict.fromkeys(
            prefix
            for name in lookups
            if name.endswith(_PERSON_MARKS)
            and (prefix := _before_mark(name)) not in _NO_PERSON
            and prefix not in courses
        )
    )
    added: list[tuple[str, str]] = []
    course: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    personal = [name for name in names if name == "ip"]
    for name in names:
        if name.startswith("other_"):
            part = name.removeprefix("other_")
            if part in _PERSONAL_OTHERS:
                personal.append(name)
            elif part:
                others.append((name, part))
    for name in lookups:
        prefix = _longest(name, courses)
        if prefix:
            rest = name.removeprefix(prefix)
            course.append((name, _COURSE_NAMES.get(rest, f"course_{rest}")))
        elif _longest(name, people) or name in _PERSON_MARKS:
            personal.append(name)
        else:
            added.append((name, name))
    return Layout(
        properties=(*added, *course, *others),  # the later ones win where two have one name
        metadata=tuple((name, _METADATA[name]) for name in names if name in _METADATA),
        personal=tuple(personal),
        people=people,
    )


_remembered_layout = lru_cache(maxsize=512)(_layout)


def _before_mark(name: str) -> str:
    return next(name[: -len(mark)] for mark in _PERSON_MARKS if name.endswith(mark))


def _longest(name: str, prefixes: tuple[str, ...]) -> str:
    longest = ""
    for prefix in prefixes:
        if len(prefix) > len(longest) and name.startswith(prefix):
            longest = prefix
    return longest


def of_person(fields: Fields, layout: Layout, person_id: str, field: str) -> str | None:
    """A looked-up `field` of the person with this Moodle id, whatever prefix the administrator chose."""
    for prefix in layout.people:
        # An empty prefix would take the event's own id for a person's.
        if prefix and fields.get(f"{prefix}id") == person_id and f"{prefix}{field}" in fields:
            return fields[f"{prefix}{field}"]
    return None
