"""Rows of people: each becomes what is known of one person, or troubles by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rocket_server.errors import InvalidPayload
from rocket_server.imports.form import Form
from rocket_server.imports.reading import Record
from rocket_server.imports.rows import changed_on_the_way, fields_of
from rocket_server.imports.troubles import Judged, Trouble
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault

# Columns that name somebody: the first that a row has is the one that they are shown under.
IDS: Final = ("user_id", "student_id", "lms_id", "moodle_id")
ALIASES: Final = {
    **{name: name for name in (*IDS, "name", "email", "organisation")},
    **{name.replace("_", " "): name for name in IDS},
    "organization": "organisation",
    "university": "organisation",
    "e-mail": "email",
}
MAX_NAME: Final = 255  # characters
_OF_PERSON: Final = frozenset({*IDS, "name", "email"})
_is_email = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+").fullmatch


@dataclass(frozen=True, slots=True)
class Named:
    """What a row says of a person. `identities` are all their ids, `user_id` first; `metadata` what else
    stands in it."""

    identities: tuple[str, ...]
    name: str | None
    email: str | None
    metadata: dict[str, Any]

    @property
    def user_id(self) -> str:
        return self.identities[0]


@dataclass(slots=True)
class PersonRow(Judged):
    """A row and who it is about; None where it is rejected."""

    person: Named | None = None


def check_columns(form: Form) -> None:
    """Raise InvalidPayload where no column names anybody."""
    if not set(IDS) & set(form.columns):
        raise InvalidPayload.field(
            "file", f"missing_column: one of {', '.join(IDS)} must be there; it has {', '.join(form.columns)}"
        )


def read(record: Record, form: Form, source: str) -> PersonRow:
    """What one row says. `LMS_ID` is an id of `source`, `Moodle_ID` one of moodle."""
    values, troubles = fields_of(record, form)
    if troubles:
        return PersonRow(record, troubles)
    troubles = changed_on_the_way(values, form.encoding)
    identities = _identities(values, source, troubles)
    name, email = values.get("name", "").strip(), values.get("email")
    _check_name(name, troubles)
    if email is not None:
        _check(checks.email if _is_email(email) else _no_email, email, "email", "bad_email", troubles)
    metadata = {key: text for key, text in values.items() if key not in _OF_PERSON}
    for fault in checks.metadata_faults(metadata):
        troubles.append(Trouble("bad_property", f"{fault.path} {fault.message}"))
    row = PersonRow(record, troubles)
    if not row.is_rejected:
        row.person = Named(tuple(identities), name or None, email, metadata)
    return row


def _identities(values: dict[str, Any], source: str, troubles: list[Trouble]) -> list[str]:
    prefixes = {"lms_id": f"{source}:", "moodle_id": "moodle:"}
    identities: list[str] = []
    for column in IDS:
        if column in values:
            _check(checks.user_id, values[column], column, "bad_user_id", troubles)
            identities.append(prefixes.get(column, "") + values[column])
    if not identities:
        troubles.append(Trouble("missing_value", f"one of {', '.join(IDS)} is needed"))
    return list(dict.fromkeys(identities))


def _check_name(name: str, troubles: list[Trouble]) -> None:
    if not name:
        troubles.append(Trouble("missing_name", "the person has no name"))
    elif not any(letter.isalpha() for letter in name):
        troubles.append(Trouble("numeric_name", f"{name[:40]!r} is no name; are the columns right?"))
    elif len(name) > MAX_NAME or "\x00" in name:
        troubles.append(Trouble("bad_property", f"name must have at most {MAX_NAME} characters"))
    elif name.isupper() and len(name) > 3:
        troubles.append(Trouble("name_in_capitals", f"{name[:40]!r} is written in capitals"))


def _check(reader: Callable[[Any], Any], value: Any, column: str, name: str, troubles: list[Trouble]) -> None:
    try:
        reader(value)
    except Fault as fault:
        troubles.append(Trouble(name, f"{column} {fault}"))


def _no_email(value: str) -> str:
    raise Fault(f"must be an address such as anna@example.org, is {value[:60]!r}")
