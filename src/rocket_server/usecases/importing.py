"""Does imports: some hundred rows of a file to a transaction, which also notes how far the file is read.

So a row is in or it isn't, whoever is killed when. A row is never taken twice, by its event's dedupe key, in
whichever file it stands. Transactions are small, and one organisation has one of them at once: what comes in
at the same time finds the learners free.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self

import structlog

from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.halves import by_halves, is_nobodys
from rocket_server.db.pool import Database, alone
from rocket_server.errors import Contended
from rocket_server.imports import files
from rocket_server.imports.reading import Place, Record, records
from rocket_server.imports.shown import COUNTS
from rocket_server.imports.troubles import Judged, Tally, Trouble
from rocket_server.jobs import table
from rocket_server.jobs.table import Claim, Lost, StoredJob
from rocket_server.usecases.acting import Services
from rocket_server.usecases.imported_events import EventsTaker
from rocket_server.usecases.imported_people import PeopleTaker
from rocket_server.usecases.imports import KINDS, form_of
from rocket_server.usecases.intake import group_size

log = structlog.get_logger(__name__)

AT_ONCE: Final = 500  # rows in one transaction
TURN_S: Final = 10.0  # after which other jobs have theirs

_LOOK_AGAIN_S: Final = 0.5  # where a worker does it


class _Busy(Exception):
    """Another import of the organisation is at work."""


# Takes rows in, in a transaction, and says of each what is wrong with it; and how many points were given.
Taker = Callable[[Any, Sequence[Record], Configuration, datetime], Awaitable[tuple[Sequence[Judged], int]]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is, and what came of it."""

    at: Place
    counts: dict[str, int]
    tally: Tally

    @classmethod
    def of(cls, job: StoredJob) -> Self:
        """Where a job stands."""
        counts = {name: job.counts.get(name, 0) for name in (*COUNTS, "points_awarded")}
        if job.position is None:
            return cls(form_of(job).begins, counts, Tally())
        return cls(Place(*job.position["at"]), counts, Tally.of_json(job.position["troubles"]))

    def after(self, rows: Sequence[Judged], at: Place, points: int) -> Progress:
        """Progress once `rows` are done with, up to a place."""
        counts, tally = dict(self.counts), self.tally.copy()
        for row in rows:
            found = {trouble.severity for trouble in row.troubles}
            counts["read"] += 1
            counts["rejected"] += "rejected" in found
            counts["duplicates"] += "rejected" not in found and "duplicate" in found
            counts["accepted"] += not found & {"rejected", "duplicate"}
            counts["warnings"] += "warning" in found
            tally.add(row.record.line, row.troubles)
        counts["points_awarded"] += points
        return Progress(at, counts, tally)


class Importing:
    """The work of imports, for a worker or a command."""

    def __init__(
        self,
        database: Database,
        configurations: Configurations,
        max_ahead_s: int,
        *,
        at_once: int = AT_ONCE,
        turn_s: float = TURN_S,
    ) -> None:
        self._database = database
        self._configurations = configurations
        self._takers: Mapping[str, Callable[[StoredJob], Taker]] = {
            KINDS["events"]: partial(EventsTaker, max_ahead_s=max_ahead_s),
            KINDS["users"]: PeopleTaker,
        }
        self._at_once = at_once
        self._turn_s = turn_s

    async def __call__(self, claim: Claim) -> bool:
        """Take the next rows of a file; whether more are left."""
        turn = _Turn(self._database, self._configurations, self._takers, claim)
        ends_at = time.monotonic() + self._turn_s
        try:
            while await turn.go_on(self._at_once):
                if time.monotonic() >= ends_at:
                    break
            else:
                return False
        except _Busy:
            await self._database.run(lambda conn: table.give_back(conn, claim))
            return False
        await self._database.run(lambda conn: table.give_back(conn, claim))
        return True


async def run_here(services: Services, job: StoredJob, importing: Importing) -> AsyncIterator[StoredJob]:
    """Do an import in this process, beside workers, until it has finished: how far it is, again and again.

    What goes wrong is raised, and whoever is free goes on with the import.
    """
    organisation_id, job_id = job.organisation_id, job.job_id
    database = services.database
    while not job.is_finished:
        claim = await database.run(lambda conn: table.claim(conn, organisation_id, job_id))
        more = False
        if claim is not None:
            held = claim
            try:
                more = await importing(held)
            except Lost:
                pass
            except BaseException:
                await database.run(lambda conn, held=held: table.give_back(conn, held))  # type: ignore[misc]
                raise
        async with database.connection() as conn:
            job = await table.read(conn, organisation_id, job_id)
        yield job
        if not (more or job.is_finished):
            await asyncio.sleep(_LOOK_AGAIN_S)


class _Turn:
    """What one claim of a job does."""

    def __init__(
        self,
        database: Database,
        configurations: Configurations,
        takers: Mapping[str, Callable[[StoredJob], Taker]],
        claim: Claim,
    ) -> None:
        self._database = database
        self._configurations = configurations
        self._claim = claim
        self._form = form_of(claim.job)
        self._take_in = takers[claim.job.kind](claim.job)
        self._progress = Progress.of(claim.job)
        self._unstorable: list[Judged] = []  # rows that failed by themselves, to be written with the next

    async def go_on(self, at_once: int) -> bool:
        """Take some rows; whether there may be more."""
        job, at, form = self._claim.job, self._progress.at, self._form
        async with self._database.connection() as conn:
            configuration = await self._configurations.current(conn, job.organisation_id)
            window = await files.window(conn, job.organisation_id, job.job_id, at.offset)
        is_last = at.offset + len(window) >= (job.total or 0)
        found, end = records(
            window,
            at,
            codec=form.codec,
            delimiter=form.delimiter,
            width=form.width,
            is_last=is_last,
            most=group_size(configuration, at_once),
        )
        # Without a bound of its own: what fails with others may well be done alone.
        await by_halves(found, self._take, self._skip, for_all=_ends_it, budget_s=math.inf)
        is_done = end.offset >= (job.total or 0)
        if is_done or self._unstorable or self._progress.at != end:
            self._progress = await self._database.run(
                lambda conn: self._note(conn, [], end, finished=is_done)
            )
            self._unstorable = []
        return not is_done

    async def _take(self, found: Sequence[Record]) -> None:
        organisation_id = self._claim.job.organisation_id

        async def work(conn: Any) -> Progress:
            await table.hold(conn, self._claim)
            if not await alone(conn, "import", organisation_id):
                raise _Busy
            configuration = await self._configurations.equipped(conn, organisation_id)
            rows, points = await self._take_in(conn, found, configuration, datetime.now(UTC))
            return await self._note(conn, rows, found[-1].after, points=points)

        self._progress = await self._database.run(work, ingest=True)
        self._unstorable = []

    def _skip(self, found: Sequence[Record], error: Exception) -> None:
        if len(found) > 1 or isinstance(error, Contended) or _ends_it(error):
            raise error
        job = self._claim.job
        named = {"organisation_id": job.organisation_id, "job_id": job.job_id, "line": found[0].line}
        log.error("row_not_stored", exc_info=error, **named)
        trouble = Trouble("not_stored", "the server failed to store this row; its log has the reason")
        self._unstorable.append(Judged(found[0], [trouble]))

    async def _note(
        self, conn: Any, rows: Sequence[Judged], at: Place, *, points: int = 0, finished: bool = False
    ) -> Progress:
        job = self._claim.job
        rows = [*self._unstorable, *rows]
        ignored = self._form.width > len(self._form.header)
        rejected = [
            files.Rejected(
                row.record.after.offset,
                row.record.line,
                row.record.fields[: len(self._form.header)] if ignored else row.record.fields,
                "; ".join(map(str, row.troubles)),
            )
            for row in rows
            if row.is_rejected
        ]
        await files.reject(conn, job.organisation_id, job.job_id, rejected)
        progress = self._progress.after(rows, at, points)
        position = {"at": [at.offset, at.line], "troubles": progress.tally.as_json()}
        await table.advance(
            conn, self._claim, position, done=at.offset, counts=progress.counts, finished=finished
        )
        return progress


def _ends_it(error: Exception) -> bool:
    """Whether an error isn't about the rows that were worked on."""
    return isinstance(error, _Busy | Lost) or is_nobodys(error)
