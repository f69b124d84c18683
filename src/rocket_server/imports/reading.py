"""The rows in a piece of a file, each with the place behind it, so that reading can go on there. Pure.

A quote that is never closed takes the lines after it into its field. Where that shows (the row grows too
long, or has another number of fields) the first line alone is the faulty row, and reading goes on behind it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WINDOW_BYTES: Final = 512 * 1024  # of a file that are read at once; no row is longer
_MAX_LINES: Final = 100  # of one row

csv.field_size_limit(WINDOW_BYTES)


@dataclass(frozen=True, slots=True)
class Place:
    """A byte of a file, and the number of its line, from 1."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Record:
    """One row: `broken` names what is wrong with it as CSV, and then `fields` is its text split as well as
    can be."""

    line: int
    after: Place
    fields: list[str]
    broken: str | None = None


class _Feed:
    """Lines for a reader of CSV: how many it took, and no more of them than one row may have."""

    def __init__(self, lines: Sequence[bytes], codec: str) -> None:
        self._lines = lines
        self._codec = codec
        self.taken = 0
        self.until = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.taken >= min(self.until, len(self._lines)):
            raise StopIteration
        self.taken += 1
        return self._lines[self.taken - 1].decode(self._codec, "replace")


def records(
    window: bytes,
    at: Place,
    *,
    codec: str,
    delimiter: str,
    width: int | None,
    is_last: bool,
    most: int,
) -> tuple[list[Record], Place]:
    """Up to `most` rows of a file from `at` on, where `window` begins, and the place behind them. Lines that
    are empty aren't rows.

    `is_last` where the file ends with the window: else its last line may go on, and is left.
    """
    lines = window.splitlines(keepends=True)
    if not is_last and lines:
        lines.pop()
        if not lines:
            after = Place(at.offset + len(window), at.line)
            return [Record(at.line, after, [], "row_too_long")], after
    found: list[Record] = []
    feed = _Feed(lines, codec)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while len(found) < most and feed.taken < len(lines):
        start = feed.taken
        feed.until = start + _MAX_LINES
        broken: str | None = None
        try:
            fields = next(reader)
        except (csv.Error, StopIteration):
            broken = "bad_quotes"
        if broken and feed.taken == len(lines) and feed.taken < feed.until and not is_last and found:
            break  # it goes on behind the window
        if not broken and feed.taken - start > 1 and width is not None and len(fields) != width:
            broken = "bad_quotes"
        if broken:
            feed.taken = start + 1
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            fields = _split(lines[start].decode(codec, "replace").rstrip("\r\n"), delimiter, width)
        size = sum(map(len, lines[start : feed.taken]))
        line, at = at.line, Place(at.offset + size, at.line + feed.taken - start)
        if fields:
            found.append(Record(line, at, fields, broken))
    return found, at


def _split(text: str, delimiter: str, width: int | None) -> list[str]:
    return text.split(delimiter) if width is None else text.split(delimiter, max(0, width - 1))
