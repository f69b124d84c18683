"""Goes on with the jobs that people started: claims one, does a piece of it, and gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from rocket_server.db.halves import is_nobodys
from rocket_server.db.pool import Database
from rocket_server.errors import RocketError, Unavailable
from rocket_server.jobs import Job, Key, table
from rocket_server.jobs.table import Claim, Lost

log = structlog.get_logger(__name__)

# Does a piece of a job that is held, and notes it by `table.advance`; whether more is left.
Work = Callable[[Claim], Awaitable[bool]]

PIECE_S: Final = 120.0  # at the longest; a lease lasts longer


def started(database: Database, kinds: Mapping[str, Work], every_s: float = 1.0) -> Job:
    """The background work that all kinds of jobs are done by."""

    async def due(after: Key | None, limit: int) -> Sequence[Key]:
        async with database.connection() as conn:
            return await table.due(conn, kinds.keys(), after, limit)

    async def piece(key: Key) -> bool:
        organisation_id, job_id = key
        claim = await database.run(lambda conn: table.claim(conn, organisation_id, job_id))
        return claim is not None and await _piece(database, claim, kinds[claim.job.kind])

    return Job("started", due, piece, every_s=every_s, longest_s=PIECE_S + 30)


async def _piece(database: Database, claim: Claim, work: Work) -> bool:
    job = claim.job
    named = {"organisation_id": job.organisation_id, "job_id": job.job_id, "kind": job.kind}
    try:
        async with asyncio.timeout(PIECE_S):
            return await work(claim)
    except Lost:
        log.info("job_lost", **named)
        return False
    except Exception as error:
        if is_nobodys(error):
            with suppress(Unavailable):
                await database.run(lambda conn: table.give_back(conn, claim))
            raise
        # What can't be done as things stand is told to whoever started it, in the words of the refusal.
        refusal = isinstance(error, RocketError) and error.status < 500
        told = error.message if isinstance(error, RocketError) else f"{type(error).__name__}: see the log"
        given_up = await database.run(lambda conn: table.failed(conn, claim, told, for_good=refusal))
        if given_up:
            log.warning("job_given_up", reason=told, exc_info=None if refusal else error, **named)
            return False
        raise
