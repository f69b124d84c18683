"""The parts of a platform's body, found by dotted paths, with everything that is wrong with them gathered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

import msgspec

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import CompletionState, Event, dedupe_key
from rocket_server.organisations.model import Source
from rocket_server.sources import checks
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.checks import Fault, is_absent

STAFF: Final = "staff: this is one of the source's staff_ids, and staff earn nothing"
_COMPLETIONS: Final[dict[str, CompletionState]] = {
    "lesson.completed": "completed",
    "lesson.reopened": "reopened",
}
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Parts:
    """A body of JSON. What can't be read is noted in `errors`, by its path."""

    def __init__(self, fields: Any, context: ReadingContext) -> None:
        """Raises InvalidPayload where something in the body can't be stored as it is."""
        faults = checks.faults_in(fields, "", depth=0)
        if faults:
            raise InvalidPayload.from_fields(
                [FieldError(checks.printable_path(fault.path), fault.message) for fault in faults]
            )
        self.errors: list[FieldError] = []
        self.fields = fields
        self.context = context

    def at(self, *paths: str) -> Any:
        """The value at the first of `paths` that has one."""
        for path in paths:
            value = at(self.fields, path)
            if not is_absent(value):
                return value
        return None

    def text(self, *paths: str, reader: Callable[[Any], Any], required: bool = False) -> str | None:
        """What `reader` makes of the value at the first of `paths` that has one, as text."""
        value = self.read(*paths, reader=reader, required=required)
        return None if value is None else str(value)

    def read(self, *paths: str, reader: Callable[[Any], Any], required: bool = False) -> Any:
        """As `text`, in the reader's own form."""
        for path in paths:
            value = at(self.fields, path)
            if is_absent(value):
                continue
            try:
                return reader(value)
            except Fault as fault:
                self.fault(path, str(fault))
                return None
        if required:
            self.fault(paths[0], "is required")
        return None

    def object(self, name: str) -> Mapping[str, Any]:
        """An object that must be there."""
        value = at(self.fields, name)
        if isinstance(value, Mapping):
            return value
        self.fault(name, "is required: an object" if value is None else "must be an object")
        return {}

    def time(self, *paths: str, required: bool = True) -> datetime:
        """The moment at the first of `paths` that has one; else, where none is required, that of arrival."""
        found = self.read(*paths, reader=self.context.time, required=required)
        return found or self.context.received_at

    def learner(self, *paths: str, form: Callable[[Any], Any] | None = None) -> str | None:
        """The platform's id of the learner, at the first of `paths` that has one."""
        user_id = self.text(*paths, reader=form or learner_id, required=True)
        source = self.context.source
        if user_id is not None and len(f"{source.name}:{user_id}") > checks.MAX_ID:
            self.fault(
                paths[0], f"must have at most {checks.MAX_ID} characters with {source.name}: before it"
            )
        return user_id

    def email(self, *paths: str) -> str | None:
        """An address, where there is one that can be one. A platform's learners needn't have any."""
        try:
            value = self.at(*paths)
            return None if value is None else checks.email(value)
        except Fault:
            return None

    def fault(self, path: str, message: str) -> None:
        self.errors.append(FieldError(checks.printable_path(path), message))

    def refuse(self) -> NoReturn:
        """Raise what is wrong with the body."""
        raise InvalidPayload.from_fields(self.errors[: checks.MAX_ERRORS])


def at(fields: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, Mapping) else None
    return fields


def learner_id(value: Any) -> str:
    """A learner's id, which many platforms write as a number; else Fault."""
    return checks.user_id(checks.identifier(value) if type(value) in (int, float) else value)


def percentage(value: Any) -> int | float:
    """A share of a hundred, also in quotes; else Fault."""
    return checks.percentage(float(value) if type(value) is str and checks.is_decimal(value) else value)


def number(value: Any) -> int | float:
    """A number, also in quotes; else Fault."""
    if type(value) is str and checks.is_decimal(value):
        return float(value) if "." in value else int(value)
    if type(value) is int or type(value) is float:
        return value
    raise Fault("must be a number")


def title(value: Any) -> str:
    """A name that people gave something; else Fault."""
    if type(value) is not str:
        raise Fault("must be text")
    return value


def digest(fields: Any) -> str:
    """What tells two bodies apart that have no id."""
    return f"body:{dedupe_key('', _encode_sorted(fields).decode()).hex()}"


def event(
    name: str,
    source: Source,
    user_id: str | None,
    occurred_at: datetime,
    properties: Mapping[str, Any],
    key: tuple[str, ...],
    received: dict[str, Any],
    *,
    event_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    email: str | None = None,
    ignored: str | None = None,
    site: str | None = None,
) -> Event:
    """A platform's event in the stored form. `key` is what makes a second one a repeat."""
    kept = {one: value for one, value in properties.items() if not is_absent(value)}
    notes = checks.leave_out_nothing(kept)
    if ignored is None and user_id in source.staff_ids:
        ignored = STAFF
    return Event(
        event=name,
        source=source.name,
        user_id=None if user_id is None else f"{source.name}:{user_id}",
        occurred_at=occurred_at,
        properties=kept,
        metadata={one: value for one, value in (metadata or {}).items() if not is_absent(value)}
        | ({} if event_id is None else {"event_id": event_id}),
        dedupe_key=dedupe_key(source.name, *key),
        source_event_id=event_id,
        source_kind=source.kind,
        completion=_COMPLETIONS.get(name) if "lesson_id" in kept else None,
        email=email,
        ignored=ignored,
        notes=notes,
        site=site,
        received=received,
    )
