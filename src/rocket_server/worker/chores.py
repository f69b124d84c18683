"""What is done beside sending: recoveries go on, what is old or to be forgotten goes, standings follow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import structlog

from rocket_server import erasure, promotion
from rocket_server.db.pool import Database
from rocket_server.delivery import recovery, retention
from rocket_server.errors import RocketError
from rocket_server.leaderboards import refresh
from rocket_server.leaderboards.refresh import Due, Progress
from rocket_server.worker.settling import Settling

log = structlog.get_logger(__name__)

_RECOVER_EVERY_S: Final = 1.0
_RECOVERIES: Final = 20  # pieces with each look, one for each endpoint
_TRIM_EVERY_S: Final = 600.0
_COUNT_EVERY_S: Final = 60.0
_RANK_EVERY_S: Final = 2.0
_ERASE_EVERY_S: Final = 10.0
_PROMOTE_EVERY_S: Final = 5.0
_ERASURE_PIECES: Final = 100  # with each look


class Chores:
    """Loops that may run in any number of workers at once: each piece of work is locked by who does it."""

    def __init__(self, database: Database, settling: Settling, keep: timedelta) -> None:
        """`keep` is the age from which deliveries, attempts and messages are removed."""
        self._database = database
        self._settling = settling
        self._keep = keep

    async def run(self) -> None:
        """Do all of it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_repeat("recovery", self.recover, _RECOVER_EVERY_S))
            group.create_task(_repeat("retention", self.trim, _TRIM_EVERY_S))
            group.create_task(_repeat("counts", self.tell, _COUNT_EVERY_S))
            group.create_task(_repeat("leaderboards", self.rank, _RANK_EVERY_S))
            group.create_task(_repeat("erasures", self.erase, _ERASE_EVERY_S))
            group.create_task(_repeat("ranks", self.promote, _PROMOTE_EVERY_S))

    async def recover(self) -> bool:
        """Bring each running recovery a piece forward; whether one goes on."""
        async with self._database.connection() as conn:
            running = await recovery.running(conn, _RECOVERIES)
        more = False
        for organisation_id, endpoint_id in running:

            async def piece(conn: Any, whose: tuple[str, str] = (organisation_id, endpoint_id)) -> bool:
                return await recovery.recover_piece(conn, *whose)

            more |= await self._database.run(piece)
        return more

    async def trim(self) -> bool:
        """Remove what is too old."""
        removed = await retention.trim(self._database.run, self._keep, datetime.now(UTC))
        if removed:
            log.info("old_deliveries_removed", rows=removed)
        return False

    async def tell(self) -> bool:
        """Log what became of deliveries since the last time."""
        counts, self._settling.counts = self._settling.counts, type(self._settling.counts)()
        if counts:
            log.info("deliveries", **dict(counts))
        return False

    async def rank(self) -> bool:
        """Bring the standings of each organisation that is behind a piece forward; whether one still is."""
        async with self._database.connection() as conn:
            behind = await refresh.due(conn, datetime.now(UTC))
        more = False
        for found in behind:

            async def piece(conn: Any, due: Due = found) -> Progress:
                return await refresh.refresh(conn, due.organisation_id, due.timezone, datetime.now(UTC))

            more |= (await self._database.run(piece)).more
        return more

    async def erase(self) -> bool:
        """Look a piece further for traces of those who were anonymised; whether some may be left."""
        async with self._database.connection() as conn:
            running = await erasure.running(conn)
        return any([await erasure.sweep(self._database, found, _ERASURE_PIECES) for found in running])

    async def promote(self) -> bool:
        """Tell of ranks that changed, a piece of each organisation; whether one has more."""
        async with self._database.connection() as conn:
            due = await promotion.due(conn, datetime.now(UTC))
        more = False
        for found in due:

            async def piece(conn: Any, organisation_id: str = found) -> bool:
                return await promotion.promote(conn, organisation_id, datetime.now(UTC))

            more |= await self._database.run(piece)
        return more


async def _repeat(chore: str, work: Callable[[], Awaitable[bool]], every_s: float) -> None:
    """Do it every so often, and again at once while there is more."""
    while True:
        more = False
        try:
            more = await work()
        except (RocketError, asyncpg.PostgresError) as error:
            log.warning("chore_not_done", chore=chore, reason=str(error))
        except Exception:
            log.exception("chore_broke", chore=chore)
        await asyncio.sleep(0 if more else every_s * random.uniform(0.75, 1.25))  # noqa: S311
