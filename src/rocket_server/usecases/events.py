"""Stored events run again by hand, after a cause was mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rocket_server import pipeline
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.errors import NotFound
from rocket_server.events import store
from rocket_server.ids import FIRST_ID
from rocket_server.people.held import run_again
from rocket_server.pipeline import Result
from rocket_server.usecases.acting import Services

SUSPENDED: Final = "suspended"  # stands for events that gave nothing because their learner was suspended

_AT_ONCE: Final = 500  # events in one transaction


async def retry(services: Services, organisation_id: str, actor: Actor, event_id: str) -> Result:
    """Run a stored event again, after a mapping, a learner or a rule was mended. Raises NotFound."""

    async def work(conn: Any) -> Result | None:
        configuration = await services.configurations.current(conn, organisation_id)
        before = (await store.lock(conn, organisation_id, {event_id})).get(event_id)
        results = await pipeline.retry(conn, configuration, [event_id], datetime.now(UTC))
        if before is None or event_id not in results:
            return None
        result = results[event_id]
        acts = changed(
            "event.retried",
            subject_of("event", event_id),
            {"status": before.status, "points_awarded": before.points_awarded},
            {"status": result.status, "points_awarded": result.points_awarded},
        )
        await audit.add(conn, organisation_id, actor, acts)
        return result

    result = await services.database.run(work, ingest=True)
    if result is None:
        raise NotFound("There is no such event.")
    return result


async def retry_all(
    services: Services, organisation_id: str, actor: Actor, statuses: Sequence[str], since: datetime
) -> AsyncIterator[tuple[list[Result], int]]:
    """Run events of some statuses again, the oldest first, some hundred to a transaction: their results, and
    how many couldn't be run. `statuses` may name SUSPENDED. One line tells of all of it, before it begins."""
    kept = [status for status in statuses if status != SUSPENDED]
    is_told = False
    for of_suspended in (False, True):
        if not (SUSPENDED in statuses if of_suspended else kept):
            continue
        after = FIRST_ID
        while True:
            async with services.database.connection() as conn:
                if of_suspended:
                    event_ids = await store.suspended(conn, organisation_id, since, after, _AT_ONCE)
                else:
                    event_ids = await store.to_retry(conn, organisation_id, kept, since, after, _AT_ONCE)
            if not event_ids:
                break
            if not is_told:
                await _tell(services, organisation_id, actor, statuses, since)
                is_told = True
            after = event_ids[-1]
            results = await run_again(services.database, services.configurations, organisation_id, event_ids)
            yield results, len(event_ids) - len(results)


async def _tell(
    services: Services, organisation_id: str, actor: Actor, statuses: Sequence[str], since: datetime
) -> None:
    after = {"statuses": list(statuses), "since": since}
    act = Act("events.retried", subject_of("organisation", organisation_id), None, after)
    await services.database.run(lambda conn: audit.add(conn, organisation_id, actor, [act]))
