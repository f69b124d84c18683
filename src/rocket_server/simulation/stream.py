"""Reads the past learner by learner through server-side cursors, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from rocket_server.db.queries import load
from rocket_server.simulation.model import Period
from rocket_server.simulation.stored import (
    Before,
    StoredCompletion,
    StoredMark,
    StoredReversal,
    event_of,
)

SQL = load(__file__, "stream.sql")

T = TypeVar("T")

PAGE_EVENTS: Final = 1_000
_PAGE_ROWS: Final = 2_000
STATEMENT_TIMEOUT_S: Final = 600


class _Side(Generic[T]):
    """Rows of learners beside their events, in the same order of learners."""

    def __init__(self, cursor: Any, read: Callable[[Any], T]) -> None:
        self._cursor = cursor
        self._read = read
        self._rows: list[Any] = []
        self._next = 0
        self._by_learner: dict[str, list[T]] = {}

    async def advance(self, first: str, last: str) -> None:
        """Have all rows of the learners from `first` to `last` at hand; those of earlier ones are dropped."""
        self._by_learner = {one: rows for one, rows in self._by_learner.items() if one >= first}
        while True:
            rows = self._rows
            while self._next < len(rows):
                row = rows[self._next]
                learner_id = row[0]
                if learner_id > last:
                    return
                self._next += 1
                if learner_id >= first:
                    self._by_learner.setdefault(learner_id, []).append(self._read(row))
            if self._cursor is None:
                return
            self._rows = await self._cursor.fetch(_PAGE_ROWS, timeout=STATEMENT_TIMEOUT_S)
            self._next = 0
            if len(self._rows) < _PAGE_ROWS:
                self._cursor = None

    def of(self, learner_id: str) -> list[T]:
        return self._by_learner.get(learner_id, [])


class Stream:
    """The events of a period, and what was before. `conn` stays in a transaction that sees one moment."""

    def __init__(self, conn: Any, organisation_id: str, period: Period) -> None:
        self._conn = conn
        self._organisation_id = organisation_id
        self._period = period
        self._sides: tuple[_Side[Any], ...] = ()

    async def open(
        self,
        rule_ids: Sequence[str],
        heard: Sequence[str],
        *,
        metadata: bool,
        earlier: bool,
        by_rank: bool,
        withdrawing: Sequence[str],
    ) -> None:
        """`earlier`: whether there are events before the period; `by_rank`: whether a rule multiplies by the
        learner's rank; `withdrawing`: the names of events that withdraw others."""
        organisation_id, first, end = self._organisation_id, self._period.first_id, self._period.end_id
        await self._conn.execute(SQL["by_index"])
        nothing: _Side[Any] = _Side(None, _ignore)
        self._reversals = await self._side("reversals", _reversal, organisation_id, first, end)
        self._not_active = await self._side("not_active", _ignore, organisation_id)
        self._marks = self._later_marks = self._completions = nothing
        self._streaks = await self._side("streaks", _streak, organisation_id) if by_rank else nothing
        if earlier:
            self._marks = await self._side("marks", _mark, organisation_id, first, rule_ids)
            self._later_marks = await self._side("later_marks", _mark, organisation_id, first, rule_ids)
            self._completions = await self._side("completions", _completion, organisation_id, first)
        self._sides = (
            self._reversals,
            self._not_active,
            self._marks,
            self._later_marks,
            self._completions,
            self._streaks,
        )
        self._events = await self._conn.cursor(
            SQL["events"],
            organisation_id,
            first,
            end,
            list(heard),
            metadata,
            list(withdrawing),
            timeout=STATEMENT_TIMEOUT_S,
        )

    async def _side(self, name: str, read: Callable[[Any], T], *arguments: Any) -> _Side[T]:
        cursor = await self._conn.cursor(SQL[name], *arguments, timeout=STATEMENT_TIMEOUT_S)
        return _Side(cursor, read)

    async def page(self) -> list[Any]:
        """The next events, and beside them what is known of their learners; an empty list at the end."""
        rows: list[Any] = await self._events.fetch(PAGE_EVENTS, timeout=STATEMENT_TIMEOUT_S)
        if rows:
            for side in self._sides:
                await side.advance(rows[0][0], rows[-1][0])
        return rows

    def before(self, learner_id: str) -> Before:
        """What is known of a learner of the page that was read last."""
        return Before(
            not self._not_active.of(learner_id),
            self._marks.of(learner_id) + self._later_marks.of(learner_id),
            self._completions.of(learner_id),
            self._reversals.of(learner_id),
            sum(self._streaks.of(learner_id)),
        )


def _ignore(row: Any) -> None:
    return None


def _streak(row: Any) -> int:
    weeks: int = row[1]
    return weeks


def _mark(row: Any) -> StoredMark:
    return StoredMark(row[1], row[2], row[3], row[4])


def _completion(row: Any) -> StoredCompletion:
    return StoredCompletion(row[1], row[2], row[3], row[4], row[5])


def _reversal(row: Any) -> StoredReversal:
    _, reversal_id, by_event, entry_id, amount, rule_id, rule_version, event_id, *event = row
    return StoredReversal(
        reversal_id,
        by_event,
        entry_id,
        amount,
        rule_id,
        rule_version,
        event_id,
        None if event[0] is None else event_of(*event),
    )
