"""Runs events again that waited for a learner, a bounded piece to a transaction; at once where a person
links an identity, and by a job where an event brought it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.halves import by_halves, is_nobodys
from rocket_server.db.pool import Database
from rocket_server.db.queries import load
from rocket_server.events import store
from rocket_server.ids import FIRST_ID
from rocket_server.pipeline import Result

SQL = load(__file__, "held.sql")

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500  # events in one transaction
_AT_MOST: Final = 10_000  # events in one call
_IDENTITIES_AT_ONCE: Final = 1_000  # that are looked at


@dataclass(slots=True)
class Released:
    """How many events were run again, and what they were worth. `more` where some still wait."""

    events: int = 0
    points: int = 0
    more: bool = False


async def release(
    database: Database, configurations: Configurations, organisation_id: str, identities: Sequence[str]
) -> Released:
    """Run the events that were held for `identities`, which are a learner's by now.

    At most 10,000 in one call. What is left then, or after a crash, stays held: the same call, or the
    worker's job, goes on with it.
    """
    released = Released()
    after = FIRST_ID
    while identities and released.events < _AT_MOST:
        async with database.connection() as conn:
            event_ids = await store.held_for(conn, organisation_id, identities, after, _AT_ONCE)
        if not event_ids:
            return released
        after = event_ids[-1]
        for result in await run_again(database, configurations, organisation_id, event_ids):
            released.events += 1
            released.points += result.points_awarded
    released.more = bool(identities)
    return released


async def waiting(conn: Any, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The next organisations, behind `after`, in which events are held."""
    (before,) = after or (FIRST_ID,)
    return [(row[0],) for row in await conn.fetch(SQL["waiting"], before, limit)]


async def release_known(
    database: Database,
    configurations: Configurations,
    organisation_id: str,
    after: str = "",
    at_once: int = _IDENTITIES_AT_ONCE,
) -> str | None:
    """Run the events that are held for identities which are a learner's by now, however they became so.

    Looks at `at_once` identities behind `after`, in the order of the index. Answers the last of them, or None
    where there are no more.
    """
    async with database.connection() as conn:
        rows = await conn.fetch(SQL["held_identities"], organisation_id, after, at_once)
    known = [row["user_id"] for row in rows if row["is_known"]]
    released = await release(database, configurations, organisation_id, known)
    if released.events:
        log.info("held_events_run", organisation_id=organisation_id, events=released.events)
    if released.more:
        return after
    return rows[-1]["user_id"] if len(rows) == at_once else None


async def run_again(
    database: Database, configurations: Configurations, organisation_id: str, event_ids: Sequence[str]
) -> list[Result]:
    """Decide stored events anew; their results in order. One that can't be decided stays as it is, has no
    result, and holds up no other."""
    results: dict[str, Result] = {}

    async def work(part: Sequence[str]) -> None:
        async def retry(conn: Any) -> dict[str, Result]:
            configuration = await configurations.current(conn, organisation_id)
            return await pipeline.retry(conn, configuration, part, datetime.now(UTC))

        results.update(await database.run(retry, ingest=True))

    def fail(part: Sequence[str], error: Exception) -> None:
        if is_nobodys(error):
            raise error
        for event_id in part:
            log.error(
                "event_not_run_again", organisation_id=organisation_id, event_id=event_id, exc_info=error
            )

    await by_halves(event_ids, work, fail)
    return [results[event_id] for event_id in event_ids if event_id in results]
