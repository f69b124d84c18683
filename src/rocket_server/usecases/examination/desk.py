"""What a process needs for examinations, and the acts of learners, each answered after its commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.pool import Database
from rocket_server.errors import AuthenticationFailed, RocketError
from rocket_server.lanes import Lanes, Meters
from rocket_server.metrics import EXAMINATION_GROUP, EXAMINATION_SECONDS, EXAMINATION_WAITING
from rocket_server.organisations.admission import Credential, revoked
from rocket_server.usecases.examination.beginning import Begin, Begun, begin
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.saving import RunningAttempts, Save, save
from rocket_server.usecases.examination.submitting import Submit, Submitted, submit

T = TypeVar("T")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

AT_ONCE: Final = 100  # acts of learners that share a transaction at most


class _Wish(msgspec.Struct, Generic[Item], frozen=True):
    """What a learner wants, and by which key that was asked."""

    credential: Credential
    wanted: Item


class Desk:
    """Where examinations are held: one for each process.

    What learners of one organisation do at the same time shares transactions: starts with starts, answers
    with answers, submissions with submissions. Whether the keys by which they were asked still count is
    looked up there as well; one that was revoked is answered AuthenticationFailed."""

    def __init__(self, database: Database, configurations: Configurations) -> None:
        self.database = database
        self.configurations = configurations
        self.papers = Papers()
        attempts = RunningAttempts()
        self._begin: Lanes[_Wish[Begin], Begun] = self._lanes(
            "start", lambda conn, configuration, group: begin(conn, configuration, self.papers, group)
        )
        self._save: Lanes[_Wish[Save], int] = self._lanes(
            "answer",
            lambda conn, configuration, group: save(conn, configuration, self.papers, attempts, group),
        )
        self._submit: Lanes[_Wish[Submit], Submitted] = self._lanes(
            "submit", lambda conn, configuration, group: submit(conn, configuration, self.papers, group)
        )

    async def begin(self, organisation_id: str, credential: Credential, wanted: Begin) -> Begun:
        """Begin an attempt. Raises what is in its way."""
        return await self._begin.submit(organisation_id, _Wish(credential, wanted))

    async def save(self, organisation_id: str, credential: Credential, wanted: Save) -> int:
        """Keep answers; how many. Raises what is in the way of all of them."""
        return await self._save.submit(organisation_id, _Wish(credential, wanted))

    async def submit(self, organisation_id: str, credential: Credential, wanted: Submit) -> Submitted:
        """Hand in an attempt. Raises what is in its way, AlreadySubmitted with the first result."""
        return await self._submit.submit(organisation_id, _Wish(credential, wanted))

    async def close(self) -> None:
        """Take nothing more from learners, and wait until all that was taken is answered."""
        for lanes in (self._begin, self._save, self._submit):
            await lanes.close()

    async def act(self, organisation_id: str, work: Callable[[Any, Configuration], Awaitable[T]]) -> T:
        """What `work` answers in a transaction of the organisation's."""

        async def transaction(conn: Any) -> T:
            return await work(conn, await self.configurations.current(conn, organisation_id))

        return await self.database.run(transaction)

    def _lanes(
        self,
        act: str,
        work: Callable[[Any, Configuration, Sequence[Item]], Awaitable[Sequence[Answer | RocketError]]],
    ) -> Lanes[_Wish[Item], Answer]:
        async def in_transaction(
            conn: Any, organisation_id: str, group: Sequence[_Wish[Item]]
        ) -> Sequence[Answer | Exception]:
            configuration = await self.configurations.current(conn, organisation_id)
            gone = await revoked(conn, configuration.version, [one.credential for one in group])
            good = [one.wanted for one in group if one.credential.hash not in gone]
            answers = iter(await work(conn, configuration, good) if good else ())
            return [
                AuthenticationFailed("This key was revoked.")
                if one.credential.hash in gone
                else next(answers)
                for one in group
            ]

        meters = Meters(
            EXAMINATION_WAITING.labels(act), EXAMINATION_GROUP.labels(act), EXAMINATION_SECONDS.labels(act)
        )
        return Lanes(self.database, in_transaction, most=lambda _: AT_ONCE, meters=meters)
