"""What a process needs for examinations, and the acts of learners, each answered after its commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.pool import Database
from rocket_server.errors import RocketError
from rocket_server.usecases.examination.beginning import Begin, Begun, begin
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.saving import RunningAttempts, Save, save
from rocket_server.usecases.examination.submitting import Submit, Submitted, submit

T = TypeVar("T")


class Desk:
    """Where examinations are held: one for each process."""

    def __init__(self, database: Database, configurations: Configurations) -> None:
        self.database = database
        self.configurations = configurations
        self.papers = Papers()
        self._attempts = RunningAttempts()

    async def begin(self, organisation_id: str, wanted: Begin) -> Begun:
        """Begin an attempt. Raises what is in its way."""
        return await self._alone(
            organisation_id, lambda conn, configuration: begin(conn, configuration, self.papers, [wanted])
        )

    async def save(self, organisation_id: str, wanted: Save) -> int:
        """Keep answers; how many. Raises what is in the way of all of them."""
        return await self._alone(
            organisation_id,
            lambda conn, configuration: save(conn, configuration, self.papers, self._attempts, [wanted]),
        )

    async def submit(self, organisation_id: str, wanted: Submit) -> Submitted:
        """Hand in an attempt. Raises what is in its way, AlreadySubmitted with the first result."""
        return await self._alone(
            organisation_id, lambda conn, configuration: submit(conn, configuration, self.papers, [wanted])
        )

    async def act(self, organisation_id: str, work: Callable[[Any, Configuration], Awaitable[T]]) -> T:
        """What `work` answers in a transaction of the organisation's."""

        async def transaction(conn: Any) -> T:
            return await work(conn, await self.configurations.current(conn, organisation_id))

        return await self.database.run(transaction)

    async def _alone(
        self, organisation_id: str, work: Callable[[Any, Configuration], Awaitable[list[T | RocketError]]]
    ) -> T:
        (answer,) = await self.act(organisation_id, work)
        if isinstance(answer, RocketError):
            raise answer
        return answer
