"""How a file is written, told from its first line: what separates its fields, and its columns. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.imports.reading import Place, records

REASON: Final = "reason"  # the last column of a file of rejected rows, which may come back in a mended one
MAX_COLUMNS: Final = 150  # less than an event may have properties
_MAX_NAME: Final = 100  # characters
_DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written. `columns` are named as the file's kind knows them, "" for those that are
    ignored; `header` is the first line as it is in the file, without a `reason` at its end."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: tuple[str, ...]
    begins: Place  # the first row

    @property
    def codec(self) -> str:
        """In which its bytes are kept."""
        return "cp1252" if self.encoding == "windows-1252" else "utf-8"

    @property
    def width(self) -> int:
        """Columns of a row in the file."""
        return len(self.columns)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a job."""
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header": list(self.header),
            "columns": list(self.columns),
            "begins": [self.begins.offset, self.begins.line],
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Form:
        """As `as_json` wrote it."""
        return cls(
            kept["encoding"],
            kept["delimiter"],
            tuple(kept["header"]),
            tuple(kept["columns"]),
            Place(*kept["begins"]),
        )


def detect(
    head: bytes, is_whole: bool, encoding: str, aliases: Mapping[str, str], required: Sequence[str]
) -> Form:
    """The form of a file that begins with `head`. `aliases` are other names of columns, in lower case.

    Raises InvalidPayload where there is no first line, or where its columns can't be worked with.
    """
    codec = "cp1252" if encoding == "windows-1252" else "utf-8"
    delimiter = _delimiter(head.splitlines()[0].decode(codec, "replace") if head.strip() else "")
    found, after = records(
        head, Place(0, 1), codec=codec, delimiter=delimiter, width=None, is_last=is_whole, most=1
    )
    if not found or found[0].broken:
        raise InvalidPayload.field("file", "must begin with a line of column names, and this one is empty")
    header = [name.lstrip("\ufeff") for name in found[0].fields]
    columns = [aliases.get(name.strip().lower(), name.strip()) for name in header]
    if columns[-1].lower() == REASON:
        columns[-1] = ""
        header.pop()
    _check(columns, required)
    return Form(encoding, delimiter, tuple(header), tuple(columns), after)


def _delimiter(line: str) -> str:
    """What separates most fields of the first line."""
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _check(columns: Sequence[str], required: Sequence[str]) -> None:
    faults: list[FieldError] = []
    shown = ", ".join(name[:_MAX_NAME] for name in columns[:MAX_COLUMNS] if name)
    for name in required:
        if name not in columns:
            faults.append(FieldError(name, f"missing_column: the file has no such column; it has {shown}"))
    if len(columns) > MAX_COLUMNS:
        faults.append(FieldError("file", f"must have at most {MAX_COLUMNS} columns, has {len(columns)}"))
    named = [name for name in columns if name]
    for name in sorted({name for name in named if named.count(name) > 1})[:5]:
        faults.append(FieldError(name[:_MAX_NAME], "duplicate_column: two columns have this name"))
    for name in named:
        if len(name) > _MAX_NAME or not name.isprintable():
            faults.append(FieldError("file", f"has a column name that can't be kept: {name[:30]!r}"))
            break
    if faults:
        raise InvalidPayload.from_fields(faults)


class Line:
    """Writes rows in a file's own form."""

    def __init__(self, delimiter: str) -> None:
        self._written: list[str] = []
        self._writer = csv.writer(self, delimiter=delimiter, lineterminator="\n")

    def write(self, text: str) -> int:
        self._written.append(text)
        return len(text)

    def of(self, fields: Sequence[str]) -> str:
        """One row, with its end."""
        self._writer.writerow(fields)
        line = "".join(self._written)
        self._written.clear()
        return line
