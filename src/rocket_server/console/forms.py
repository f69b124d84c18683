"""Forms: read within bounds, and shown again with what was typed and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from rocket_server.errors import FieldError, InvalidPayload, RocketError, UnsupportedMediaType

MAX_FIELDS = 200
_TYPE = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Form:
    """What was typed, by the fields' names, and what is wrong: by field, and with the whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    fault: str | None = None

    def __getitem__(self, name: str) -> str:
        """What was typed; empty where nothing was."""
        return self.values.get(name, "")

    def refused(self, error: RocketError) -> Form:
        """The same form with what an act said was wrong."""
        errors = error.details.get("errors")
        if errors:
            self.faults.update({one["path"]: one["message"] for one in errors})
        elif isinstance(name := error.details.get("field"), str) and name in self.values:
            self.faults[name] = error.message
        else:
            self.fault = error.message
        return self

    def whole_number(self, name: str, least: int, most: int) -> int:
        """A field as a whole number. Raises InvalidPayload."""
        text = self[name].strip()
        digits = text.removeprefix("+")
        if digits.isascii() and digits.isdigit() and len(digits) < 12 and least <= int(digits) <= most:
            return int(digits)
        raise InvalidPayload.from_fields(
            [FieldError(name, f"must be a whole number from {least:,} to {most:,}")]
        )

    def text(self, name: str, most: int) -> str:
        """A field that must not be empty. Raises InvalidPayload."""
        text = self[name].strip()
        if not 0 < len(text) <= most:
            raise InvalidPayload.from_fields([FieldError(name, f"must have 1 to {most:,} characters")])
        return text


def read(body: bytes, content_type: str) -> Form:
    """A form as browsers send it; of a field that comes twice the first counts. Raises InvalidPayload."""
    if content_type.partition(";")[0].strip().lower() != _TYPE:
        raise UnsupportedMediaType(f"Send a form: {_TYPE}.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidPayload("The form can't be read.") from error
    if any("\0" in value for _, value in pairs):
        raise InvalidPayload("A text contains NUL, which can't be stored.")
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return Form(values)
