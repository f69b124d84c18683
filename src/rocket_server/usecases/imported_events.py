"""Rows of files of events taken in: stored, awarded, and told apart from what was there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from rocket_server import pipeline
from rocket_server.badges.criteria import Thresholds
from rocket_server.configuration.snapshot import Configuration
from rocket_server.imports import files, zeros
from rocket_server.imports.reading import Record
from rocket_server.imports.rows import Row, Rows
from rocket_server.imports.troubles import Trouble
from rocket_server.jobs.table import StoredJob
from rocket_server.learners import store as learners
from rocket_server.pipeline import Result
from rocket_server.rules.compile import RuleSet
from rocket_server.usecases.imports import form_of, options_of

_IN_FILE: Final = Trouble("duplicate_in_file", "an earlier row of this file is the same event")
_IN_STORE: Final = Trouble("duplicate_in_store", "this event was stored before")


class _TriedOut(Exception):
    """Undoes what a trial did."""


class EventsTaker:
    """Takes rows of one import in."""

    def __init__(self, job: StoredJob, max_ahead_s: int) -> None:
        self._job = job
        self._form = form_of(job)
        self._options = options_of(job)
        self._max_ahead_s = max_ahead_s

    async def __call__(
        self, conn: Any, found: Sequence[Record], configuration: Configuration, now: datetime
    ) -> tuple[Sequence[Row], int]:
        """What became of each row, and the points that were given."""
        configuration = self._equipped(configuration)
        reader = Rows(
            self._form,
            self._options.order,
            configuration.organisation.timezone,
            now,
            self._max_ahead_s,
            {"import_id": self._job.job_id},
        )
        rows = [reader.read(record) for record in found]
        return rows, await self._store(conn, configuration, rows, now)

    def _equipped(self, configuration: Configuration) -> Configuration:
        """The organisation as this import is to see it."""
        if not self._options.notify:
            configuration = replace(configuration, endpoints=())
        if self._options.no_awards:
            zone = configuration.organisation.timezone
            configuration = replace(configuration, rules=RuleSet([], zone), thresholds=Thresholds([], zone))
        return configuration

    async def _store(
        self, conn: Any, configuration: Configuration, rows: Sequence[Row], now: datetime
    ) -> int:
        """Store what the rows became, and note with each what came of it; the points that were given."""
        await _check_zeros(conn, configuration, rows)
        taken = [row for row in rows if row.event is not None]
        if self._options.dry_run:
            taken = await self._not_seen(conn, taken)
        results: list[Result] = []
        try:
            async with conn.transaction():
                if taken:
                    events = [row.event for row in taken if row.event is not None]
                    results = await pipeline.ingest(conn, configuration, events, now)
                    await self._tell(conn, taken, results)
                if self._options.dry_run:
                    raise _TriedOut
        except _TriedOut:
            pass
        return sum(result.points_awarded for result in results)

    async def _not_seen(self, conn: Any, taken: Sequence[Row]) -> list[Row]:
        """Rows whose like this trial hasn't met; of the others it is noted."""
        keys = {row.event.dedupe_key: row for row in reversed(taken) if row.event is not None}
        new = await files.first_seen(conn, self._job.organisation_id, self._job.job_id, list(keys))
        fresh = {row.record.after.offset for key, row in keys.items() if key in new}
        for row in taken:
            if row.record.after.offset not in fresh:
                row.troubles.append(_IN_FILE)
        return [row for row in taken if row.record.after.offset in fresh]

    async def _tell(self, conn: Any, rows: Sequence[Row], results: Sequence[Result]) -> None:
        there = [one.event_id for one in results if one.status == "duplicate" and one.event_id]
        of_file = await files.of_import(conn, self._job.organisation_id, self._job.job_id, there)
        for row, result in zip(rows, results, strict=True):
            if result.status == "duplicate":
                row.troubles.append(_IN_FILE if result.event_id in of_file else _IN_STORE)
            elif result.status in ("held", "ignored"):
                row.troubles.append(Trouble(result.status, result.reason or ""))


async def _check_zeros(conn: Any, configuration: Configuration, rows: Sequence[Row]) -> None:
    """Reject rows whose learner nobody knows, while somebody is known by the same id with zeros before it."""
    ids = {row.event.user_id for row in rows if row.event is not None and row.event.user_id is not None}
    lost = await lost_zeros(conn, configuration.organisation_id, ids)
    for row in rows:
        if row.event is not None and row.event.user_id in lost:
            meant = lost[row.event.user_id]
            said = f"user_id {row.event.user_id} is known by nobody, {meant} is: a spreadsheet drops zeros"
            row.event = None
            row.troubles.append(Trouble("leading_zeros_lost", said))


async def lost_zeros(conn: Any, organisation_id: str, ids: set[str]) -> dict[str, str]:
    """Of ids, those that nobody has while somebody, or another of them, is the same with zeros before it."""
    bare = {one for one in ids if zeros.may_lack_zeros(one)}
    if not bare:
        return {}
    known = set(await learners.find(conn, organisation_id, bare))
    candidates = {other for one in bare - known for other in zeros.with_zeros(one)}
    if not candidates:
        return {}
    known |= candidates & ids
    known |= set(await learners.find(conn, organisation_id, candidates))
    return zeros.lost(bare, known)
