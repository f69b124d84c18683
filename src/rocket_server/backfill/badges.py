"""Gives a badge to everybody who met its criteria before they were set, some learners to a transaction.

Whose history is long goes apart: a group that runs out of time is halved, and one learner who can't be asked
about is passed over and counted, so that nobody holds up the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
import structlog

from rocket_server import pipeline
from rocket_server.badges.model import Badge
from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.halves import by_halves, is_nobodys
from rocket_server.db.pool import Database
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, Contended, NotFound
from rocket_server.ids import FIRST_ID
from rocket_server.jobs import table
from rocket_server.jobs.table import Claim, Lost
from rocket_server.learners.store import Learner

SQL = load(__file__, "badges.sql")

log = structlog.get_logger(__name__)

KIND: Final = "badge_backfill"
AT_ONCE: Final = 200  # learners in one transaction
TURN_S: Final = 10.0  # after which other jobs have theirs


def subject(badge_id: str) -> str:
    """What such a job is about."""
    return f"badge:{badge_id}"


def check(configuration: Configuration, badge_id: str) -> Badge:
    """The badge, if it can be given to the past. Raises NotFound, or Conflict where it has no criteria that
    can be asked, or isn't active."""
    badge = configuration.badges.get(badge_id)
    if badge is None:
        raise NotFound("There is no such badge.", {"field": "badge_id"})
    if not badge.active:
        raise Conflict("This badge isn't active; activate it first.", {"field": "badge_id"})
    if all(one.badge_id != badge_id for one in configuration.thresholds.all):
        raise Conflict("This badge has no criteria that can be asked of the past.", {"field": "criteria"})
    return badge


async def start(conn: Any, configuration: Configuration, badge_id: str, created_by: str) -> table.StoredJob:
    """Start the job. Raises NotFound or Conflict as `check` and `table.add` do."""
    badge = check(configuration, badge_id)
    organisation_id = configuration.organisation_id
    total = await conn.fetchval(SQL["count"], organisation_id)
    arguments = {"badge_id": badge.badge_id}
    return await table.add(
        conn, organisation_id, KIND, subject(badge.badge_id), created_by, arguments=arguments, total=total
    )


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a job has come: the last learner, and what was counted since it began. `criteria` stand for the
    definition that was asked: where it is changed meanwhile, everybody is asked anew."""

    criteria: str
    after: str = FIRST_ID
    done: int = 0
    given: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, claim: Claim, badge: Badge) -> _Progress:
        """Where a job goes on."""
        job, criteria = claim.job, _fingerprint(badge)
        if job.position is None or job.position["criteria"] != criteria:
            return cls(criteria, given=job.counts.get("given", 0))
        counts = job.counts
        return cls(criteria, job.position["after"], job.done, counts["given"], counts["skipped"])


class _Changed(Exception):
    """The criteria are others than those that this turn began with."""


class Backfill:
    """The work of such jobs, for a worker."""

    def __init__(
        self,
        database: Database,
        configurations: Configurations,
        *,
        at_once: int = AT_ONCE,
        turn_s: float = TURN_S,
    ) -> None:
        self._database = database
        self._configurations = configurations
        self._at_once = at_once
        self._turn_s = turn_s

    async def __call__(self, claim: Claim) -> bool:
        """Give the badge to the next learners who have met its criteria; whether more are left."""
        turn = _Turn(self._database, self._configurations, claim)
        ends_at = time.monotonic() + self._turn_s
        try:
            while await turn.go_on(self._at_once):
                if time.monotonic() >= ends_at:
                    await self._database.run(lambda conn: table.give_back(conn, claim))
                    return True
        except _Changed:
            await self._database.run(lambda conn: table.give_back(conn, claim))
            return True
        return False


class _Turn:
    """What one claim of a job does."""

    def __init__(self, database: Database, configurations: Configurations, claim: Claim) -> None:
        self._database = database
        self._configurations = configurations
        self._claim = claim
        self._badge_id: str = claim.job.arguments["badge_id"]
        self._progress: _Progress | None = None

    async def go_on(self, at_once: int) -> bool:
        """Do the next piece; whether there may be another."""
        organisation_id = self._claim.job.organisation_id
        async with self._database.connection() as conn:
            configuration = await self._configurations.current(conn, organisation_id)
            badge = check(configuration, self._badge_id)
            progress = self._progress = self._progress or _Progress.of(self._claim, badge)
            rows = await conn.fetch(SQL["next"], organisation_id, progress.after, at_once)
        learner_ids = [row[0] for row in rows]
        if learner_ids:
            # Without a bound of its own: who ran out of time with others may well be done alone, and what was
            # done until the piece's time is over stays.
            await by_halves(learner_ids, self._give, self._skip, for_all=_ends_it, budget_s=math.inf)
            progress = self._progress
        is_last = len(learner_ids) < at_once
        if is_last or progress.after != learner_ids[-1]:
            progress = self._progress = replace(progress, after=[progress.after, *learner_ids][-1])
            await self._database.run(lambda conn: self._note(conn, progress, finished=is_last))
        return not is_last

    async def _give(self, learner_ids: Sequence[str]) -> None:
        assert self._progress is not None
        progress, claim = self._progress, self._claim
        organisation_id = claim.job.organisation_id

        async def work(conn: Any) -> _Progress:
            await table.hold(conn, claim)
            configuration = await self._configurations.current(conn, organisation_id)
            if _fingerprint(check(configuration, self._badge_id)) != progress.criteria:
                raise _Changed
            rows = await conn.fetch(SQL["active"], organisation_id, learner_ids)
            given = await pipeline.give_for_past(
                conn,
                configuration,
                self._badge_id,
                [Learner(*row) for row in rows],
                claim.job.created_by,
                datetime.now(UTC),
            )
            moved = replace(
                progress,
                after=learner_ids[-1],
                done=progress.done + len(learner_ids),
                given=progress.given + given,
            )
            await self._note(conn, moved)
            return moved

        self._progress = await self._database.run(work)

    def _skip(self, learner_ids: Sequence[str], error: Exception) -> None:
        if len(learner_ids) > 1 or isinstance(error, Contended) or _ends_it(error):
            raise error
        assert self._progress is not None
        done, skipped = self._progress.done + 1, self._progress.skipped + 1
        self._progress = replace(self._progress, done=done, skipped=skipped)
        job = self._claim.job
        named = {"organisation_id": job.organisation_id, "job_id": job.job_id}
        log.error("learner_not_asked", learner_id=learner_ids[0], exc_info=error, **named)

    async def _note(self, conn: Any, progress: _Progress, *, finished: bool = False) -> None:
        await table.advance(
            conn,
            self._claim,
            {"after": progress.after, "criteria": progress.criteria},
            done=progress.done,
            counts={"given": progress.given, "skipped": progress.skipped},
            finished=finished,
        )


def _ends_it(error: Exception) -> bool:
    """Whether an error isn't about the learners that were asked about."""
    return isinstance(error, _Changed | Lost | NotFound | Conflict) or is_nobodys(error)


def _fingerprint(badge: Badge) -> str:
    criteria = None if badge.criteria is None else badge.criteria.as_dict()
    return blake2b(msgspec.json.encode(criteria, order="sorted"), digest_size=16).hexdigest()
