"""What may be wrong with a row of a file, by name, and how often it was. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from rocket_server.imports.reading import Record

Severity = Literal["rejected", "duplicate", "warning"]

MAX_FIRST: Final = 5  # rows of each trouble that a report names
_MAX_MESSAGE: Final = 200  # characters

# Names are part of the contract: programs that read reports go by them.
TROUBLES: Final[dict[str, Severity]] = {
    "missing_column": "rejected",
    "too_many_columns": "rejected",
    "missing_value": "rejected",
    "bad_quotes": "rejected",
    "row_too_long": "rejected",
    "line_break_in_field": "rejected",
    "bad_encoding": "rejected",
    "spreadsheet_number": "rejected",
    "bad_event": "rejected",
    "bad_user_id": "rejected",
    "leading_zeros_lost": "rejected",
    "bad_time": "rejected",
    "time_in_milliseconds": "rejected",
    "time_out_of_range": "rejected",
    "bad_progress": "rejected",
    "bad_duration": "rejected",
    "bad_event_id": "rejected",
    "bad_source": "rejected",
    "bad_property": "rejected",
    "numeric_name": "rejected",
    "bad_email": "rejected",
    "two_people": "rejected",
    "refused": "rejected",
    "unknown_course": "rejected",
    "not_stored": "rejected",
    "duplicate_in_file": "duplicate",
    "duplicate_in_store": "duplicate",
    "time_without_zone": "warning",
    "missing_name": "warning",
    "name_in_capitals": "warning",
    "held": "warning",
    "ignored": "warning",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with a row; `message` is for the person who mends it."""

    name: str
    message: str

    @property
    def severity(self) -> Severity:
        return TROUBLES[self.name]

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


@dataclass(slots=True)
class Judged:
    """A row of a file, and what is wrong with it."""

    record: Record
    troubles: list[Trouble]

    @property
    def is_rejected(self) -> bool:
        return any(one.severity == "rejected" for one in self.troubles)

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be done with it."""
        return any(one.severity != "warning" for one in self.troubles)


@dataclass(slots=True)
class Tally:
    """How many rows had each trouble, and the first of them as `[line, message]`."""

    rows: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[list[Any]]] = field(default_factory=dict)

    def add(self, line: int, troubles: Iterable[Trouble]) -> None:
        """Count the troubles of one row, each name once."""
        for name, message in {one.name: one.message for one in troubles}.items():
            self.rows[name] = self.rows.get(name, 0) + 1
            first = self.first.setdefault(name, [])
            if len(first) < MAX_FIRST:
                first.append([line, message[:_MAX_MESSAGE]])

    def copy(self) -> Tally:
        """One that can be added to without changing this."""
        return Tally(dict(self.rows), {name: list(rows) for name, rows in self.first.items()})

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a job."""
        return {name: [rows, self.first[name]] for name, rows in self.rows.items()}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """As `as_json` wrote it."""
        return cls({name: one[0] for name, one in kept.items()}, {name: one[1] for name, one in kept.items()})

    def report(self) -> list[dict[str, Any]]:
        """For people and programs, in the order of TROUBLES."""
        return [
            {
                "trouble": name,
                "severity": severity,
                "rows": self.rows[name],
                "first": [{"line": line, "message": message} for line, message in self.first[name]],
            }
            for name, severity in TROUBLES.items()
            if name in self.rows
        ]
