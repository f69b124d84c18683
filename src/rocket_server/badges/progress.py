"""What learners have done towards criteria: marks, read for a group, changed in memory and written once.

A counter that a learner has no marks for yet takes over what was stored before, when the learner's next event
concerns it. So new criteria count the past in bounded reads, without a job that goes through everybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rocket_server.badges.criteria import Counter, module_mark
from rocket_server.db.queries import load
from rocket_server.events.store import row_as_event
from rocket_server.ids import FIRST_ID
from rocket_server.pace import Pace, TakesTooLong

SQL = load(__file__, "progress.sql")

Key = tuple[str, str]  # learner_id, counter
Mark = tuple[str, str, str]  # learner_id, counter, mark

PAST_AT_ONCE = 20_000  # events that are read while accounts are locked
_OF_ONE_EVENT = 2  # learners that one event may concern: whose it was, and whose it is
_BUDGET_S = 20.0  # for asking criteria about them

COMPLETE = ""  # the mark of a counter into which the past was taken over


class Progress:
    """The counts of some learners while their accounts are locked."""

    def __init__(self, counts: dict[Key, int], existing: set[Mark]) -> None:
        self._counts = counts
        self._existing = existing
        self._added: set[Mark] = set()
        self._removed: set[Mark] = set()

    def count(self, learner_id: str, counter: str) -> int:
        """What is counted now."""
        return self._counts.get((learner_id, counter), 0)

    def add(self, mark: Mark) -> None:
        """Count a mark; nothing changes where it counts already."""
        if mark in self._existing:
            return
        self._existing.add(mark)
        self._counts[mark[:2]] = self._counts.get(mark[:2], 0) + 1
        if mark in self._removed:
            self._removed.discard(mark)
        else:
            self._added.add(mark)

    def remove(self, mark: Mark) -> None:
        """Count a mark no more; nothing changes where it doesn't count."""
        if mark not in self._existing:
            return
        self._existing.discard(mark)
        self._counts[mark[:2]] -= 1
        if mark in self._added:
            self._added.discard(mark)
        else:
            self._removed.add(mark)

    async def write(self, conn: Any, organisation_id: str) -> None:
        """Write what changed."""
        if self._removed:
            await conn.execute(SQL["remove"], organisation_id, *_columns(self._removed))
        if self._added:
            await conn.execute(SQL["add"], organisation_id, *_columns(self._added))

    def _take_over(self, key: Key, marks: Iterable[str]) -> None:
        for mark in marks:
            self.add((*key, mark))
        self._added.add((*key, COMPLETE))


async def read(
    conn: Any,
    organisation_id: str,
    wanted: Collection[Key],
    marks: Collection[Mark],
    counters: dict[str, Counter],
) -> Progress:
    """The counts of `wanted`, and which of `marks` count already.

    Raises TakesTooLong where many learners have too much of a past to be taken over at once: tried again in
    parts, each part keeps what it took over. The past of one event's learners is read however long it is.
    """
    if not wanted:
        return Progress({}, set())
    keys = sorted(wanted)
    rows = await conn.fetch(
        SQL["counted"], organisation_id, [key[0] for key in keys], [key[1] for key in keys]
    )
    existing = await conn.fetch(SQL["existing"], organisation_id, *_columns(marks)) if marks else []
    progress = Progress(
        {(row[0], row[1]): row[2] for row in rows}, {(row[0], row[1], row[2]) for row in existing}
    )
    fresh = [(row[0], row[1]) for row in rows if not row[3]]
    if fresh:
        learner_ids = list({key[0] for key in fresh})
        much = await conn.fetchval(SQL["has_more_past"], organisation_id, learner_ids, PAST_AT_ONCE)
        if much and len(learner_ids) > _OF_ONE_EVENT:
            raise TakesTooLong
        stored = await past(conn, organisation_id, fresh, counters, PAST_AT_ONCE)
        for key in fresh:
            progress._take_over(key, stored.get(key, ()))
    return progress


async def past(
    conn: Any,
    organisation_id: str,
    fresh: Sequence[Key],
    counters: dict[str, Counter],
    at_once: int | None = None,
) -> dict[Key, set[str]]:
    """The marks that stored events make for learners and counters; `at_once` events are read together."""
    asked: dict[str, list[Counter]] = {}
    for learner_id, key in fresh:
        asked.setdefault(learner_id, []).append(counters[key])
    names = {counter.event for own in asked.values() for counter in own}
    about = (list(asked), sorted(name for name in names if name), None in names)
    found: dict[Key, set[str]] = {}
    after = FIRST_ID
    pace = Pace(_BUDGET_S)
    while True:
        rows = await conn.fetch(SQL["past"], organisation_id, *about, after, at_once)
        for row in rows:
            event = row_as_event(row)
            if not (row["superseded"] and module_mark(event)):
                for counter in asked[row["learner_id"]]:
                    if counter.event is None or counter.event == event.event:
                        mark = counter.mark(event, row["event_id"])
                        if mark is not None:
                            found.setdefault((row["learner_id"], counter.key), set()).add(mark)
            if at_once is not None and pace.is_due():
                await pace.rest()
        if at_once is None or len(rows) < at_once:
            return found
        after = rows[-1]["event_id"]


def _columns(marks: Collection[Mark]) -> tuple[list[str], list[str], list[str]]:
    ordered = sorted(marks)
    return [mark[0] for mark in ordered], [mark[1] for mark in ordered], [mark[2] for mark in ordered]
