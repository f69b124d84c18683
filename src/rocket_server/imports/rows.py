"""Rows of events: each becomes an event, or troubles by name. Pure.

An event is the one that the API would make of the same values, so that a row that was sent by `POST
/v1/events/batch` before is the same event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rocket_server.errors import FieldError
from rocket_server.events.model import Event
from rocket_server.imports.form import Form
from rocket_server.imports.reading import Record
from rocket_server.imports.troubles import Judged, Trouble
from rocket_server.sources import rocket

DEFAULT_SOURCE: Final = "csv_import"  # of rows that name none
REQUIRED: Final = ("event", "user_id", "timestamp")
ALIASES: Final = {
    **{name: name for name in (*REQUIRED, "course_id", "lesson_id", "event_id", "source")},
    **{name: name for name in ("progress_pct", "time_on_task_sec")},
    "distinct_id": "user_id",
    "time": "timestamp",
}

_OF_EVENT: Final = frozenset({*REQUIRED, "event_id", "source"})
_NUMBERS: Final = {"progress_pct": "bad_progress", "time_on_task_sec": "bad_duration"}
_TROUBLES: Final = {
    "event": "bad_event",
    "user_id": "bad_user_id",
    "timestamp": "bad_time",
    "event_id": "bad_event_id",
    "source": "bad_source",
    "properties.progress_pct": "bad_progress",
    "properties.time_on_task_sec": "bad_duration",
}
# What a spreadsheet makes of a long number: 1.23E+05, or 1,23E+05.
_is_scientific = re.compile(r"[+-]?\d+(?:[.,]\d+)?[Ee]\+\d+", re.ASCII).fullmatch
_has_zone = re.compile(r"\d+(?:\.\d+)?|.*(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
_is_number = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII).fullmatch
_is_fractional = re.compile(r"\d{1,15}\.\d{1,9}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Order:
    """How events of a file are to be read. `courses` says which course theirs is here; where it names any,
    all others are unknown. With `platform_ids`, users are the platform's own: `<source>:<user_id>`."""

    source: str = DEFAULT_SOURCE
    courses: Mapping[str, str] = field(default_factory=dict)
    platform_ids: bool = False


@dataclass(slots=True)
class Row(Judged):
    """A row and the event that it became; None where it is rejected."""

    event: Event | None = None


class Rows:
    """Reads the rows of one file. Times without a zone are in `timezone`; none may be more than `max_ahead_s`
    after `received_at`. `metadata` is given to each event."""

    def __init__(
        self,
        form: Form,
        order: Order,
        timezone: ZoneInfo,
        received_at: datetime,
        max_ahead_s: int,
        metadata: Mapping[str, str],
    ) -> None:
        self._form = form
        self._order = order
        self._metadata = metadata
        self._parse: Callable[[Any], Event | list[FieldError]] = lambda data: rocket.parse_event(
            data, timezone=timezone, received_at=received_at, max_ahead_s=max_ahead_s
        )

    def read(self, record: Record) -> Row:
        """What one row becomes."""
        values, troubles = fields_of(record, self._form)
        if troubles:
            return Row(record, troubles)
        troubles = changed_on_the_way(values, self._form.encoding)
        data: dict[str, Any] = {name: values.pop(name) for name in _OF_EVENT if name in values}
        data.setdefault("source", self._order.source)
        self._number(values, troubles)
        self._course(values, troubles)
        self._time(data, troubles)
        if self._order.platform_ids and "user_id" in data:
            data["user_id"] = f"{data['source']}:{data['user_id']}"
        data["properties"], data["metadata"] = values, dict(self._metadata)
        parsed = self._parse(data)
        if isinstance(parsed, list):
            if any(fault.path == "timestamp" for fault in parsed):
                troubles = [one for one in troubles if one.name != "time_without_zone"]
            named = {trouble.name for trouble in troubles}
            troubles += [one for one in map(_trouble, parsed) if one.name not in named]
        if isinstance(parsed, list) or any(one.severity == "rejected" for one in troubles):
            return Row(record, troubles)
        return Row(record, troubles, parsed)

    def _number(self, values: dict[str, Any], troubles: list[Trouble]) -> None:
        for name, trouble in _NUMBERS.items():
            text = values.get(name)
            if text is None:
                continue
            stripped = text.strip().removesuffix("%").rstrip() if name == "progress_pct" else text.strip()
            if _is_number(stripped):
                values[name] = float(stripped) if "." in stripped else int(stripped)
            else:
                del values[name]
                if not _is_scientific(stripped):
                    troubles.append(Trouble(trouble, f"{name} must be a number, is {_shown(text)}"))

    def _course(self, values: dict[str, Any], troubles: list[Trouble]) -> None:
        courses, theirs = self._order.courses, values.get("course_id")
        if courses and theirs is not None:
            if theirs in courses:
                values["course_id"] = courses[theirs]
            else:
                troubles.append(Trouble("unknown_course", f"no course is given for {_shown(theirs)}"))

    def _time(self, data: dict[str, Any], troubles: list[Trouble]) -> None:
        time = data.get("timestamp")
        if time is None:
            return
        if _is_fractional(time):
            data["timestamp"] = float(time)
        elif not _has_zone(time):
            troubles.append(
                Trouble("time_without_zone", f"{_shown(time)} is taken as a time in the organisation's zone")
            )


_BROKEN: Final = {
    "bad_quotes": "a quote is opened and not closed, or stands inside a field without being doubled",
    "row_too_long": "the row is longer than is taken",
}


def fields_of(record: Record, form: Form) -> tuple[dict[str, Any], list[Trouble]]:
    """The values of a row by column, without empty ones; or what is wrong with it as a whole."""
    fields, width = record.fields, form.width
    if record.broken:
        return {}, [Trouble(record.broken, _BROKEN[record.broken])]
    if len(fields) < width:
        return {}, [Trouble("missing_column", f"the row has {len(fields)} of {width} columns")]
    if len(fields) > width and any(fields[width:]):
        said = f"the row has {len(fields)} columns, the first line {width}; is a separator inside a field?"
        return {}, [Trouble("too_many_columns", said)]
    named = zip(form.columns, fields, strict=False)
    return {name: text for name, text in named if name and text}, []


def changed_on_the_way(values: Mapping[str, str], encoding: str) -> list[Trouble]:
    """What shows that a value isn't any more what it was."""
    troubles: list[Trouble] = []
    for name, text in values.items():
        is_known = name in ALIASES or name.endswith("_id")
        if is_known and ("\n" in text or "\r" in text):
            troubles.append(Trouble("line_break_in_field", f"{name} has a line break in it"))
        if is_known and "+" in text and _is_scientific(text.strip()):
            troubles.append(
                Trouble(
                    "spreadsheet_number",
                    f"{name} is {_shown(text)}: a spreadsheet rounded a long number; make the column text",
                )
            )
        if encoding == "windows-1252" and "\ufffd" in text:
            troubles.append(
                Trouble("bad_encoding", f"{name} has bytes that are neither UTF-8 nor Windows-1252")
            )
    return troubles


def _trouble(fault: FieldError) -> Trouble:
    said = fault.message
    name = _TROUBLES.get(fault.path, "bad_property")
    if said == "is required":
        name = "missing_value"
    elif name == "bad_time" and "milliseconds" in said:
        name = "time_in_milliseconds"
    elif name == "bad_time" and said.startswith("is ") and "exists" not in said:
        name = "time_out_of_range"
    return Trouble(name, f"{fault.path.removeprefix('properties.')} {said}")


def _shown(text: str) -> str:
    return repr(text[:40])
