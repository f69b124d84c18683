"""The demo from beginning to end: the stage is set, the morning is sent, the outcome is read back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from rocket_server.audit.operators import operator
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db import embedded
from rocket_server.db.pool import open_database
from rocket_server.demo.client import Client
from rocket_server.demo.organisation import Stage, prepare
from rocket_server.demo.recording import load, moved_to
from rocket_server.demo.summary import Summary, summarise
from rocket_server.usecases.acting import Parts


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it. `statuses` are the hook's words, `points` what this run moved; `balances` are by
    user id and hold the points of earlier days too."""

    stage: Stage
    statuses: Counter[str]
    points: int
    summary: Summary
    balances: dict[str, int]

    @property
    def is_repeated(self) -> bool:
        """Whether everything had been sent before."""
        return set(self.statuses) == {"duplicate"}


def play(
    settings: Settings,
    *,
    url: str,
    today: date,
    on_start: Callable[[int], None] = lambda _: None,
    on_answer: Callable[[], None] = lambda: None,
) -> Played:
    """Send the recording to the server at `url` as if it had happened `today`, by UTC.

    `on_start` is told how many messages there are, `on_answer` is called after each. Raises DemoError where
    the server doesn't answer or refuses, ConfigurationError or Unavailable where the database can't be used.
    """
    client = Client(url)
    try:
        client.check()
        stage = _set_stage(settings)
        messages = moved_to(today, load())
        on_start(len(messages))
        answers = client.send(messages, stage.token, on_answer)
        midnight = datetime.combine(today, time(), UTC)
        result = summarise(
            client.events(stage.key, midnight.isoformat(), (midnight + timedelta(days=1)).isoformat())
        )
        return Played(
            stage,
            Counter(answer.status for answer in answers),
            sum(answer.points for answer in answers),
            result,
            {user_id: client.balance(stage.key, user_id) for user_id in result.learners},
        )
    finally:
        client.close()


def _set_stage(settings: Settings) -> Stage:
    """Prepares the Demo organisation in the server's database; an embedded one is joined meanwhile."""
    if settings.database_url is not None:
        return asyncio.run(_prepare(settings, settings.database_url))
    server = embedded.start(settings.data_dir)
    try:
        return asyncio.run(_prepare(settings, server.url))
    finally:
        server.stop()


async def _prepare(settings: Settings, database_url: str) -> Stage:
    database = await open_database(database_url, general_size=1, ingest_size=1)
    try:
        services = Parts(database, Configurations(settings.moodle_activities))
        return await prepare(services, operator("rocket demo"))
    finally:
        await database.close()
