"""Two learners made one, and a wrong link taken apart; both can be tried without effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, TypeVar

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.errors import InvalidPayload
from rocket_server.learners.store import Learner, known_learner
from rocket_server.ledger import store as ledger
from rocket_server.people import merge as merging
from rocket_server.people import split as splitting
from rocket_server.people.merge import Merge
from rocket_server.people.split import Split
from rocket_server.usecases.acting import Services
from rocket_server.usecases.examination import persons as examination

T = TypeVar("T")

# What a request may take; more of a split goes on with the next one.
_PIECES_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge moved, or would move."""

    merge: Merge
    status: Literal["merged", "already_merged", "preview"]


@dataclass(frozen=True, slots=True)
class Taken:
    """How far a split is, and the points of both: of who stays `before` it, and now."""

    split: Split
    status: Literal["split", "already_split", "preview"]
    before: int
    left: int
    new: int


async def merge(
    services: Services, organisation_id: str, actor: Actor, user_id: str, from_id: str, *, dry_run: bool
) -> Merged:
    """Make another learner one with this one, for good; with `dry_run`, only say what would follow.

    Raises NotFound, Conflict.
    """
    now = datetime.now(UTC)

    async def work(conn: Any) -> Merge:
        learner = await known_learner(conn, organisation_id, user_id)
        configuration = await services.configurations.current(conn, organisation_id)
        await examination.end_those_beside(conn, configuration, user_id, from_id)
        made = await merging.merge(conn, configuration, user_id, from_id, actor.short, now)
        if not made.replayed:
            counts = {
                name: len(value) if isinstance(value, list) else value
                for name, value in made.followed.items()
            }
            after = {"merge_id": made.merge_id, "followed": counts}
            act = Act("user.merged", subject_of("user", learner.learner_id), None, after)
            await audit.add(conn, organisation_id, actor, [act])
        return made

    made = await (services.database.dry_run(work) if dry_run else services.database.run(work))
    return Merged(made, "already_merged" if made.replayed else "preview" if dry_run else "merged")


async def split(
    services: Services,
    organisation_id: str,
    actor: Actor,
    user_id: str,
    identities: Sequence[str],
    *,
    dry_run: bool,
) -> Taken:
    """Make identities of a learner a learner of their own, with their events and what these are worth; with
    `dry_run`, only say what would follow. Asked for again, it goes on where it was interrupted.

    Raises NotFound, InvalidPayload where an identity isn't this learner's, Conflict.
    """
    if len(set(identities)) != len(identities):
        raise InvalidPayload.field("identities", "must name each identity once")
    run = _Run(services, organisation_id, actor, user_id, list(identities))
    if dry_run:
        taken = await services.database.dry_run(run.all, ingest=True)
        return taken if taken.split.replayed else replace(taken, status="preview")
    taken = await services.database.run(run.begin, ingest=True)
    for _ in range(_PIECES_AT_ONCE - 1):
        if not taken.split.finished:
            taken = await services.database.run(partial(run.go_on, taken), ingest=True)
    return taken


class _Run:
    """One split on its way, a piece to a transaction."""

    def __init__(
        self, services: Services, organisation_id: str, actor: Actor, user_id: str, identities: list[str]
    ) -> None:
        self._services = services
        self._organisation_id = organisation_id
        self._actor = actor
        self._user_id = user_id
        self._identities = identities
        self._now = datetime.now(UTC)

    async def begin(self, conn: Any) -> Taken:
        """The first piece."""
        configuration = await self._services.configurations.current(conn, self._organisation_id)
        learner = await known_learner(conn, self._organisation_id, self._user_id)
        before = await self._points(conn, learner)
        begun = await splitting.begin_split(
            conn, configuration, self._user_id, self._identities, self._actor.short, self._now
        )
        if not begun.replayed:
            after = {
                "split_id": begun.split_id,
                "into": subject_of("user", begun.new.learner_id),
                "identities": len(self._identities),
            }
            act = Act("user.split", subject_of("user", learner.learner_id), None, after)
            await audit.add(conn, self._organisation_id, self._actor, [act])
        status: Literal["split", "already_split"] = "already_split" if begun.replayed else "split"
        return await self.go_on(Taken(begun, status, before, before, 0), conn)

    async def go_on(self, taken: Taken, conn: Any) -> Taken:
        """The next piece."""
        configuration = await self._services.configurations.current(conn, self._organisation_id)
        done = await splitting.continue_split(conn, configuration, taken.split, self._now)
        left, new = await self._points(conn, done.learner), await self._points(conn, done.new)
        return Taken(done, taken.status, taken.before, left, new)

    async def all(self, conn: Any) -> Taken:
        """As many pieces as a request may take, in one transaction."""
        taken = await self.begin(conn)
        for _ in range(_PIECES_AT_ONCE - 1):
            if not taken.split.finished:
                taken = await self.go_on(taken, conn)
        return taken

    async def _points(self, conn: Any, learner: Learner) -> int:
        return (await ledger.read_account(conn, self._organisation_id, learner.learner_id)).points
