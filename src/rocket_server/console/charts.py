"""Charts as SVG, drawn by the server; each is a table, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

_WIDTH: Final = 960
_HEIGHT: Final = 220
_FOOT: Final = 32
_GAP: Final = 0.28  # of a bar's room
SERIES: Final = 5  # that a chart tells apart: four by name, and all others


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a column, in the drawing's own units; `series` is its colour's number."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each day, of pieces one above the other, and the same as rows of a table."""

    width: int
    height: int
    bars: Sequence[Bar]
    marks: Sequence[tuple[float, int]]  # heights with a line, and what they stand for
    labels: Sequence[tuple[float, date]]
    names: Sequence[str]
    rows: Sequence[tuple[date, Sequence[int]]]


def columns(days: Sequence[date], series: Mapping[str, Mapping[date, int]], others: str) -> Columns:
    """A column for each day. The largest series are told apart, the rest is one, called `others`; what is
    below zero is in the table and not drawn."""
    ranked = sorted(series, key=lambda name: (-sum(series[name].values()), name))
    named, rest = ranked[: SERIES - 1], ranked[SERIES - 1 :]
    if len(rest) == 1:
        named, rest = ranked, []
    names = [*named, *([others] if rest else [])]
    rows = []
    for day in days:
        values = [series[name].get(day, 0) for name in named]
        rows.append((day, [*values, *([sum(series[name].get(day, 0) for name in rest)] if rest else [])]))
    top = _rounded(max((sum(max(0, value) for value in values) for _, values in rows), default=0))
    room, usable = _WIDTH / max(1, len(days)), _HEIGHT - _FOOT - 26
    bars = [
        bar for place, row in enumerate(rows) for bar in _column(row, names, place * room, room, usable, top)
    ]
    foot = _HEIGHT - _FOOT
    marks = [(round(foot - usable * part, 1), round(top * part)) for part in (0.5, 1)] if top else []
    every = max(1, len(days) // 7)
    labels = [(round(place * room + room / 2, 1), days[place]) for place in range(0, len(days), every)]
    return Columns(_WIDTH, _HEIGHT, bars, marks, labels, names, rows)


def _column(
    row: tuple[date, Sequence[int]], names: Sequence[str], x: float, room: float, usable: float, top: int
) -> Iterator[Bar]:
    """The pieces of one day, from below."""
    day, values = row
    below = float(_HEIGHT - _FOOT)
    for number, value in enumerate(values):
        if value > 0:
            height = round(value / top * usable, 1)
            below -= height
            title = f"{day.isoformat()} · {names[number]}: {value:,}"
            left, width = round(x + room * _GAP / 2, 1), round(room * (1 - _GAP), 1)
            yield Bar(left, round(below, 1), width, height, number, title)


def _rounded(value: int) -> int:
    """The next number above that reads well: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 0
    power = 10 ** (len(str(value)) - 1)
    return next(int(power * step) for step in (1, 2, 5, 10) if power * step >= value)
