"""Jobs that people start: kept in a table, done in pieces by whichever worker is free, each piece once.

A worker claims a job under a lease and gets a number. The transaction that does a piece also writes how far
the job is, in the name of that number (`advance`). So a piece is done and noted, or neither; a worker that
was killed leaves a lease that runs out, and one that comes back too late finds another number and can't
write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import FIRST_ID, uuid7

SQL = load(__file__, "table.sql")

Status = Literal["waiting", "running", "done", "failed", "cancelled"]

MAX_UNFINISHED: Final = 20  # of one organisation
MAX_FAILURES: Final = 8  # of one piece in a row; some ten minutes
LEASE: Final = timedelta(minutes=5)  # longer than a piece may take
_MAX_ERROR: Final = 1_000  # characters
_TRIM_AT_ONCE: Final = 500


class Lost(Exception):
    """Somebody else holds the job by now, or it was cancelled: what was done for it doesn't count."""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job. `subject` is a kind and an id, `badge:quiz_master`; `position` and `counts` are in words of the
    kind's own; `done` of `total` (None: not known) things were looked at."""

    organisation_id: str
    job_id: str
    kind: str
    subject: str
    arguments: dict[str, Any]
    status: Status
    position: dict[str, Any] | None
    done: int
    total: int | None
    counts: dict[str, int]
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker holds, and the number under which it does."""

    job: StoredJob
    attempt: int

    @property
    def key(self) -> tuple[str, str, int]:
        return self.job.organisation_id, self.job.job_id, self.attempt


async def add(
    conn: Any,
    organisation_id: str,
    kind: str,
    subject: str,
    created_by: str,
    *,
    arguments: Mapping[str, Any] | None = None,
    total: int | None = None,
    job_id: str | None = None,
) -> StoredJob:
    """Start a job, under an id of the caller's where one is given. Raises Conflict where one of its kind for
    the same subject isn't finished, or where the organisation has MAX_UNFINISHED."""
    if await conn.fetchval(SQL["unfinished"], organisation_id) >= MAX_UNFINISHED:
        raise Conflict(
            f"At most {MAX_UNFINISHED} jobs of an organisation wait or run. Wait until one has finished, or"
            " cancel one: GET /v1/jobs shows them.",
            {"limit": MAX_UNFINISHED},
        )
    row = await conn.fetchrow(
        SQL["add"],
        organisation_id,
        job_id or uuid7(),
        kind,
        subject,
        dict(arguments or {}),
        total,
        created_by,
    )
    if row is None:
        running = await conn.fetchval(SQL["unfinished_of"], organisation_id, kind, subject)
        raise Conflict(
            "Such a job is waiting or running already. Wait until it has finished, or cancel it.",
            {"job_id": running},
        )
    return StoredJob(*row)


async def read(conn: Any, organisation_id: str, job_id: str) -> StoredJob:
    """One job. Raises NotFound."""
    row = await conn.fetchrow(SQL["read"], organisation_id, job_id)
    if row is None:
        raise NotFound("There is no such job.")
    return StoredJob(*row)


async def page(
    conn: Any,
    organisation_id: str,
    before: str | None,
    status: Status | None,
    kinds: Collection[str] | None,
    limit: int,
) -> list[StoredJob]:
    """The organisation's jobs, the newest first, below an id; of some kinds where these are given."""
    wanted = None if kinds is None else list(kinds)
    rows = await conn.fetch(SQL["page"], organisation_id, before, status, wanted, limit)
    return [StoredJob(*row) for row in rows]


async def cancel(conn: Any, organisation_id: str, job_id: str) -> StoredJob:
    """End a job; a piece that is being done counts no more. What was done before stays. Raises NotFound, or
    Conflict where it has finished; who cancels twice gets the same answer."""
    row = await conn.fetchrow(SQL["cancel"], organisation_id, job_id)
    if row is not None:
        return StoredJob(*row)
    found = await read(conn, organisation_id, job_id)
    if found.status != "cancelled":
        raise Conflict(f"This job is {found.status} already.", {"status": found.status})
    return found


async def due(
    conn: Any, kinds: Collection[str], after: tuple[str, ...] | None, limit: int
) -> list[tuple[str, str]]:
    """The next organisations and jobs, behind `after`, that somebody should go on with."""
    rows = await conn.fetch(SQL["due"], list(kinds), *(after or (FIRST_ID, FIRST_ID)), limit)
    return [(row[0], row[1]) for row in rows]


async def claim(conn: Any, organisation_id: str, job_id: str, lease: timedelta = LEASE) -> Claim | None:
    """Hold a job; None where somebody else does, or where it has finished."""
    row = await conn.fetchrow(SQL["claim"], organisation_id, job_id, lease)
    return None if row is None else Claim(StoredJob(*tuple(row)[:-1]), row["attempt"])


async def hold(conn: Any, claim: Claim) -> None:
    """Keep others from the job until the transaction ends. Raises Lost."""
    if await conn.fetchval(SQL["hold"], *claim.key) is None:
        raise Lost


async def advance(
    conn: Any,
    claim: Claim,
    position: Mapping[str, Any] | None,
    *,
    done: int,
    counts: Mapping[str, int],
    finished: bool = False,
) -> None:
    """Note in the transaction that did a piece how far the job is; it stays held, for a whole lease again,
    unless it has `finished`. `done` and `counts` are those of the whole job. Raises Lost, and then the
    transaction must be undone."""
    noted = await conn.fetchval(
        SQL["advance"],
        *claim.key,
        None if position is None else dict(position),
        done,
        dict(counts),
        finished,
        LEASE,
    )
    if noted is None:
        raise Lost


async def give_back(conn: Any, claim: Claim) -> None:
    """Hold a job no more; whoever is free goes on with it."""
    await conn.execute(SQL["give_back"], *claim.key)


async def failed(conn: Any, claim: Claim, error: str, *, for_good: bool = False) -> bool:
    """Note that a piece failed. The job is tried again, longer apart with each time, and is `failed` after
    MAX_FAILURES in a row, or at once `for_good`; whether it is."""
    status = await conn.fetchval(SQL["failed"], *claim.key, error[:_MAX_ERROR], for_good, MAX_FAILURES)
    return bool(status == "failed")


async def trim(conn: Any, organisation_id: str, before: datetime) -> bool:
    """Forget jobs that were finished before a time; whether more may be left."""
    removed = await conn.fetchval(SQL["trim"], organisation_id, before, _TRIM_AT_ONCE)
    return bool(removed == _TRIM_AT_ONCE)
