"""Runs events again that waited for a learner, a bounded piece to a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from rocket_server import pipeline
from rocket_server.configuration import Configurations
from rocket_server.db.halves import by_halves, is_nobodys
from rocket_server.db.pool import Database
from rocket_server.events import store
from rocket_server.pipeline import Result

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500  # events in one transaction
_AT_MOST: Final = 10_000  # events in one call
_FIRST: Final = "00000000-0000-0000-0000-000000000000"


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

    At most 10,000 in one call. What is left then, or after a crash, stays held: the same call, or
    `rocket events retry --status held`, goes on with it.
    """
    released = Released()
    after = _FIRST
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
