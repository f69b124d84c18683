"""What is done beside sending: recoveries go on, what is old or to be forgotten goes, standings follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from rocket_server import jobs
from rocket_server.assessments.attempts import regrades
from rocket_server.assessments.attempts import store as attempts
from rocket_server.backfill import badges as badge_backfill
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.delivery import recovery, retention
from rocket_server.imports import files as import_files
from rocket_server.jobs import Job, Key, table
from rocket_server.leaderboards import refresh
from rocket_server.organisations import request_log
from rocket_server.organisations import store as organisations
from rocket_server.people import erasure, expired_badges, promotion
from rocket_server.people import held as release
from rocket_server.plugins import store as plugins_store
from rocket_server.plugins.dispatch import Subscription
from rocket_server.usecases import imports
from rocket_server.usecases.examination import regrading, submitting
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.importing import Importing
from rocket_server.worker.settling import Settling
from rocket_server.worker.started import started

log = structlog.get_logger(__name__)

_JOBS_KEPT = timedelta(days=90)  # after they have finished
_ERASURE_PIECES = 20  # with each turn of an organisation


def all_jobs(
    database: Database, settling: Settling, settings: Settings, configurations: Configurations
) -> list[Job]:
    """The background work of one worker; any number of workers may do it at once."""
    return [
        _recoveries(database),
        _retention(database, timedelta(days=settings.delivery_retention_days)),
        _request_logs(database, timedelta(days=settings.request_log_days)),
        _leaderboards(database),
        _ranks(database),
        _expired_badges(database),
        _erasures(database),
        _held(database, configurations),
        _expired_attempts(database, configurations),
        _regrades(database, configurations),
        started(
            database,
            {
                badge_backfill.KIND: badge_backfill.Backfill(database, configurations),
                **dict.fromkeys(
                    imports.KINDS.values(),
                    Importing(database, configurations, settings.max_clock_skew_s),
                ),
            },
        ),
        _imported_files(database),
        _old_jobs(database),
        _plugins_seen(database, configurations.subscriptions),
        _plugins(database, configurations.subscriptions),
        _counts(settling),
    ]


def _recoveries(database: Database) -> Job:
    """Deliveries that an endpoint missed are queued."""

    async def piece(key: Key) -> bool:
        organisation_id, endpoint_id = key
        return await recovery.recover(database, organisation_id, endpoint_id)

    return Job("recovery", _asking(database, recovery.running), piece, every_s=1)


def _retention(database: Database, keep: timedelta) -> Job:
    """Deliveries, attempts and messages go when they are old."""

    async def piece(key: Key) -> bool:
        removed, more = await retention.trim(database.run, key[0], keep, datetime.now(UTC))
        if removed:
            log.info("old_deliveries_removed", organisation_id=key[0], rows=removed)
        return more

    due = _asking(database, organisations.ids_after)
    return Job("retention", due, piece, every_s=60, rest_s=600, at_once=1)


def _request_logs(database: Database, keep: timedelta) -> Job:
    """What sources sent goes when it is old, or more than is kept."""

    async def piece(key: Key) -> bool:
        return await database.run(lambda conn: request_log.trim(conn, key[0], datetime.now(UTC) - keep))

    due = _asking(database, organisations.ids_after)
    return Job("request_log", due, piece, every_s=10, rest_s=60, at_once=1)


def _leaderboards(database: Database) -> Job:
    """Standings follow the ledger."""

    async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
        return await refresh.due(conn, datetime.now(UTC), after, limit)

    async def piece(key: Key) -> bool:
        async def work(conn: Any) -> bool:
            return (await refresh.refresh(conn, key[0], datetime.now(UTC))).more

        return await database.run(work)

    return Job("leaderboards", _asking(database, due), piece, every_s=2)


def _ranks(database: Database) -> Job:
    """Ranks that changed are told."""

    async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
        return await promotion.due(conn, datetime.now(UTC), after, limit)

    async def piece(key: Key) -> bool:
        return await database.run(lambda conn: promotion.promote(conn, key[0], datetime.now(UTC)))

    return Job("ranks", _asking(database, due), piece, every_s=5)


def _expired_badges(database: Database) -> Job:
    """Badges whose time is over are told."""

    async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
        return await expired_badges.due(conn, datetime.now(UTC), after, limit)

    async def piece(key: Key) -> bool:
        return await database.run(lambda conn: expired_badges.tell(conn, key[0], datetime.now(UTC)))

    return Job("expired_badges", _asking(database, due), piece, every_s=10)


def _erasures(database: Database) -> Job:
    """Traces of those who were anonymised go."""

    async def piece(key: Key) -> bool:
        return await erasure.sweep(database, key[0], _ERASURE_PIECES)

    return Job("erasures", _asking(database, erasure.running), piece, every_s=10, longest_s=120)


def _held(database: Database, configurations: Configurations) -> Job:
    """Events that were held are run, once their learner is known."""
    positions: dict[str, str] = {}  # identities that were looked at, where an organisation has more

    async def piece(key: Key) -> bool:
        (organisation_id,) = key
        after = positions.pop(organisation_id, "")
        last = await release.release_known(database, configurations, organisation_id, after)
        if last is None:
            return False
        positions[organisation_id] = last
        return True

    due = _asking(database, release.waiting)
    return Job("held", due, piece, every_s=5, rest_s=30, at_once=1, longest_s=120)


def _expired_attempts(database: Database, configurations: Configurations) -> Job:
    """Attempts whose time is over are submitted."""
    papers = Papers()

    async def piece(key: Key) -> bool:
        return await submitting.close_expired(database, configurations, papers, key[0])

    return Job("expired_attempts", _asking(database, attempts.due), piece, every_s=1)


def _regrades(database: Database, configurations: Configurations) -> Job:
    """Attempts whose key was corrected are scored anew."""
    papers = Papers()

    async def piece(key: Key) -> bool:
        return await regrading.go_on_somewhere(database, configurations, papers, key[0])

    return Job("regrades", _asking(database, regrades.due), piece, every_s=2)


def _old_jobs(database: Database) -> Job:
    """Jobs go a while after they have finished."""

    async def piece(key: Key) -> bool:
        return await database.run(lambda conn: table.trim(conn, key[0], datetime.now(UTC) - _JOBS_KEPT))

    due = _asking(database, organisations.ids_after)
    return Job("old_jobs", due, piece, every_s=60, rest_s=3600, at_once=1)


def _imported_files(database: Database) -> Job:
    """Files that were imported go, and rejected rows a while later."""

    async def piece(key: Key) -> bool:
        return await database.run(lambda conn: import_files.tidy(conn, *key))

    return Job("imported_files", _asking(database, import_files.due), piece, every_s=60, at_once=1)


def _plugins_seen(database: Database, subscriptions: Sequence[Subscription]) -> Job:
    """Others know which plugins this worker has."""

    async def piece(_: Key) -> bool:
        await database.run(lambda conn: plugins_store.seen(conn, subscriptions))
        return False

    return Job("plugins_seen", jobs.the_process, piece, every_s=600)


def _plugins(database: Database, subscriptions: Sequence[Subscription]) -> Job:
    """Organisations have the rows of what is installed: all are gone through once, when the worker starts,
    and then those that lack something, or have too much."""
    has_begun = False

    async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
        nonlocal has_begun
        if not has_begun:
            found = await organisations.ids_after(conn, after, limit)
            has_begun = len(found) < limit
            return found
        return await plugins_store.due(conn, subscriptions, after, limit)

    async def piece(key: Key) -> bool:
        await database.run(lambda conn: plugins_store.follow(conn, key[0], subscriptions))
        return False

    return Job("plugins", _asking(database, due), piece, every_s=10)


def _counts(settling: Settling) -> Job:
    """What became of deliveries since the last time is logged."""

    async def piece(_: Key) -> bool:
        counts, settling.counts = settling.counts, type(settling.counts)()
        if counts:
            log.info("deliveries", **dict(counts))
        return False

    return Job("counts", jobs.the_process, piece, every_s=60)


def _asking(
    database: Database, query: Callable[[Any, Key | None, int], Awaitable[Sequence[Key]]]
) -> Callable[[Key | None, int], Awaitable[Sequence[Key]]]:
    """A look that lends a connection to a query."""

    async def due(after: Key | None, limit: int) -> Sequence[Key]:
        async with database.connection() as conn:
            return await query(conn, after, limit)

    return due
