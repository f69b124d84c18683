"""From decoded JSON to a badge's definition; everything wrong with it is named at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from rocket_server.badges.images import ImageFault, png_of_data_url
from rocket_server.badges.model import (
    MAX_COUNT,
    MAX_POINTS,
    Badge,
    Courses,
    Criteria,
    EventCount,
    OtherBadges,
)
from rocket_server.conditions.model import AllOf
from rocket_server.conditions.reading import Problems, is_clean, join, read_conditions, read_path
from rocket_server.errors import InvalidPayload

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")
_EVENT: Final = re.compile(r"[a-z]+\.[a-z_]+\Z")
# What only answers have is accepted and ignored, so that an answer can be changed and sent back.
_SHOWN_ONLY: Final = ("criteria_fault", "image_url", "created_at", "updated_at")
FIELDS: Final = (
    "badge_id", "name", "description", "criteria_text", "tags", "image", "active", "repeatable", "criteria",
    "expires_after_days",
)  # fmt: skip
CRITERIA: Final = ("points", "events", "courses", "badges")
_EVENTS: Final = ("event", "count", "conditions", "distinct")
_COURSES: Final = ("ids", "min_progress_pct")
_BADGES: Final = ("ids", "at_least")
MAX_DAYS: Final = 36_500
MAX_CRITERIA_BYTES: Final = 64 * 1024
_MAX_TAGS: Final = 20
_MAX_PARTS: Final = 10
_MAX_IDS: Final = 100


@dataclass(frozen=True, slots=True)
class Definition:
    """A badge as it was sent. `png` is a new image; `keeps_image` says that none was named at all."""

    badge: Badge
    png: bytes | None
    keeps_image: bool


def parse_badge(data: Any, badge_id: str | None = None) -> Definition:
    """The badge in `data`; with `badge_id` it must be that one. Raises InvalidPayload."""
    problems = Problems()
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "expected a badge: an object with badge_id and name")
    _refuse_unknown(data, (*FIELDS, *_SHOWN_ONLY), "", problems)
    named = data.get("badge_id", badge_id)
    if not isinstance(named, str) or not _ID.match(named):
        problems.add(
            "badge_id", "expected 1 to 100 letters, digits, _, -, . or :, the first a letter or digit"
        )
    elif badge_id is not None and named != badge_id:
        problems.add("badge_id", f"expected {badge_id}, the id in the path; an id can't be changed")
    png: bytes | None = None
    if data.get("image") is not None:
        try:
            png = png_of_data_url(data["image"])
        except ImageFault as fault:
            problems.add("image", str(fault))
    repeatable = _flag(data, "repeatable", False, problems)
    criteria = _criteria(data.get("criteria"), problems)
    is_large = not problems.errors and len(msgspec.json.encode(data.get("criteria"))) > MAX_CRITERIA_BYTES
    if is_large:
        problems.add("criteria", f"expected at most {MAX_CRITERIA_BYTES} bytes of JSON")
    if repeatable and criteria is not None:
        problems.add(
            "repeatable", "expected false: criteria give a badge once; give it again by rule or hand"
        )
    if criteria and criteria.badges and named in criteria.badges.ids:
        problems.add("criteria.badges.ids", "a badge can't be its own criterion")
    days = data.get("expires_after_days")
    badge = Badge(
        str(named),
        _text(data, "name", 1, 200, problems),
        _text(data, "description", 0, 2_000, problems, lines=True),
        _text(data, "criteria_text", 0, 5_000, problems, lines=True),
        _tags(data.get("tags"), problems),
        _flag(data, "active", True, problems),
        repeatable,
        criteria,
        expires_after_days=None
        if days is None
        else _whole(days, 1, MAX_DAYS, "expires_after_days", problems),
    )
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return Definition(badge, png, "image" not in data)


def parse_criteria(data: Any) -> Criteria | None:
    """Stored criteria, with a `fault` where a pattern isn't taken any more. Raises InvalidPayload."""
    problems = Problems(stored=True)
    criteria = _criteria(data, problems)
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    if criteria is not None and problems.outdated:
        first = problems.outdated[0]
        return replace(criteria, fault=f"{first.path}: {first.message}")
    return criteria


def _criteria(data: Any, problems: Problems) -> Criteria | None:
    if data is None:
        return None
    if not isinstance(data, Mapping) or not data:
        problems.add("criteria", f"expected an object with one or more of {', '.join(CRITERIA)}")
        return None
    _refuse_unknown(data, CRITERIA, "criteria", problems)
    points = data.get("points")
    if points is not None:
        points = _whole(points, 1, MAX_POINTS, "criteria.points", problems)
    events: tuple[EventCount, ...] = ()
    if data.get("events") is not None:
        listed = data["events"] if isinstance(data["events"], list) else [data["events"]]
        if not 1 <= len(listed) <= _MAX_PARTS:
            problems.add("criteria.events", f"expected 1 to {_MAX_PARTS} counts")
        else:
            events = tuple(_event_count(one, index, problems) for index, one in enumerate(listed))
    courses = _courses(data["courses"], problems) if data.get("courses") is not None else None
    badges = _other_badges(data["badges"], problems) if data.get("badges") is not None else None
    return Criteria(points, events, courses, badges)


def _event_count(data: Any, index: int, problems: Problems) -> EventCount:
    path = f"criteria.events[{index}]"
    if not isinstance(data, Mapping):
        problems.add(path, "expected an object with event and count")
        return EventCount("", 1)
    _refuse_unknown(data, _EVENTS, path, problems)
    event = data.get("event")
    if not isinstance(event, str) or len(event) > 100 or not _EVENT.match(event):
        problems.add(join(path, "event"), "expected the name of an event, such as forum.posted")
        event = ""
    count = _whole(data.get("count"), 1, MAX_COUNT, join(path, "count"), problems)
    conditions = AllOf()
    if data.get("conditions") is not None:
        conditions = read_conditions(data["conditions"], join(path, "conditions"), problems)
    distinct = None
    if data.get("distinct") is not None:
        distinct = read_path(data["distinct"], join(path, "distinct"), problems)
        if event == "lesson.completed":
            problems.add(join(path, "distinct"), "lesson.completed counts once for each module by itself")
    return EventCount(event, count, conditions, distinct)


def _courses(data: Any, problems: Problems) -> Courses:
    path = "criteria.courses"
    if not isinstance(data, Mapping):
        problems.add(path, "expected an object with ids")
        return Courses(())
    _refuse_unknown(data, _COURSES, path, problems)
    progress = data.get("min_progress_pct", 80)
    if isinstance(progress, bool) or not isinstance(progress, int | float) or not 0 < progress <= 100:
        problems.add(join(path, "min_progress_pct"), "expected a number above 0, at most 100")
        progress = 80
    return Courses(_ids(data.get("ids"), path, problems), progress)


def _other_badges(data: Any, problems: Problems) -> OtherBadges:
    path = "criteria.badges"
    if not isinstance(data, Mapping):
        problems.add(path, "expected an object with ids")
        return OtherBadges((), 1)
    _refuse_unknown(data, _BADGES, path, problems)
    ids = _ids(data.get("ids"), path, problems)
    at_least = _whole(data.get("at_least", len(ids) or 1), 1, len(ids) or 1, join(path, "at_least"), problems)
    return OtherBadges(ids, at_least)


def _ids(value: Any, path: str, problems: Problems) -> tuple[str, ...]:
    where = join(path, "ids")
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_IDS:
        problems.add(where, f"expected a list of 1 to {_MAX_IDS} ids")
        return ()
    ids = [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in value]
    for index, one in enumerate(ids):
        if not isinstance(one, str) or not 1 <= len(one) <= 255 or not is_clean(one):
            problems.add(f"{where}[{index}]", "expected an id: 1 to 255 characters")
            return ()
    if len(set(ids)) != len(ids):
        problems.add(where, "expected each id once")
    return tuple(ids)


def _tags(value: Any, problems: Problems) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MAX_TAGS:
        problems.add("tags", f"expected a list of at most {_MAX_TAGS} texts")
        return ()
    for index, tag in enumerate(value):
        if (
            not isinstance(tag, str)
            or not 1 <= len(tag) <= 60
            or not is_clean(tag)
            or "\t" in tag
            or "\n" in tag
        ):
            problems.add(f"tags[{index}]", "expected a text of 1 to 60 characters")
            return ()
    return tuple(dict.fromkeys(value))


def _text(
    data: Mapping[str, Any], name: str, least: int, most: int, problems: Problems, *, lines: bool = False
) -> str:
    value = data.get(name, "" if least == 0 else None)
    # Tabs are kept out because the canonical forms of RDF disagree about how one is written.
    forbidden = "\t\r" if lines else "\t\r\n"
    if not isinstance(value, str) or not is_clean(value) or any(sign in value for sign in forbidden):
        problems.add(name, "expected a text without control characters")
        return ""
    if not least <= len(value.strip()) or len(value) > most:
        problems.add(name, f"expected {least} to {most} characters")
    return value


def _flag(data: Mapping[str, Any], name: str, default: bool, problems: Problems) -> bool:
    value = data.get(name, default)
    if not isinstance(value, bool):
        problems.add(name, "expected true or false")
        return default
    return value


def _whole(value: Any, least: int, most: int, path: str, problems: Problems) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        problems.add(path, f"expected a whole number from {least} to {most}")
        return least
    return value


def _refuse_unknown(data: Mapping[Any, Any], known: tuple[str, ...], path: str, problems: Problems) -> None:
    for key in data:
        if key not in known:
            problems.unknown(path, key, known)
