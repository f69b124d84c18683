"""PostgreSQL is stopped and started again under load."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from support.insistent import Answers, Clients
from support.installation import Installation, wait_until

pytestmark = pytest.mark.reliability

_KILLS = int(os.environ.get("ROCKET_TEST_KILLS", "8"))
_STOPPED_S = 10 if _KILLS > 8 else 3


def test_server_answers_503_and_recovers_by_itself(
    install: Callable[..., Installation], check_nothing_lost: Callable[[Installation, Answers], None]
) -> None:
    """While the database is stopped every answer is a 503 with Retry-After; afterwards the same server
    process takes events again, and nothing that it acknowledged is lost."""
    installation = install(ROCKET_DATABASE_TIMEOUT="5")
    server = installation.server_pid
    clients = Clients(installation.port, installation.api_key)
    answers = clients.answers
    clients.start()
    wait_until(lambda: len(answers.acknowledged) > 200, 60, "load")

    installation.stop_database()
    acknowledged = len(answers.acknowledged)
    stopped_at = time.monotonic()
    wait_until(lambda: time.monotonic() > stopped_at + _STOPPED_S, _STOPPED_S + 5, "the time to pass")
    assert len(answers.acknowledged) == acknowledged, "an event was acknowledged without a database"
    assert any(began > stopped_at for began, _, _ in answers.refusals)
    assert not installation.is_healthy()

    installation.start_database()
    wait_until(lambda: len(answers.acknowledged) > acknowledged + 200, 30, "acknowledgements to go on")
    clients.finish(timeout_s=60)
    assert installation.server_pid == server
    assert installation.is_healthy()
    assert answers.statuses.keys() <= {200, 503}
    assert not answers.broken
    for _, headers, body in answers.refusals:
        assert int(headers["Retry-After"]) >= 1
        assert body["error"] == "unavailable"
    check_nothing_lost(installation, answers)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restarts_of_the_database_lose_nothing(
    install: Callable[..., Installation],
    check_nothing_lost: Callable[[Installation, Answers], None],
    mode: str,
) -> None:
    """Whether PostgreSQL is restarted or crashes, whatever is in flight then is stored once or refused with
    503, and the same server process goes on with it."""
    installation = install()
    server = installation.server_pid
    clients = Clients(installation.port, installation.api_key, clients=12)
    answers = clients.answers
    clients.start()
    for _ in range(_KILLS // 2):
        acknowledged = len(answers.acknowledged)
        wait_until(lambda seen=acknowledged: len(answers.acknowledged) > seen + 50, 60, "acknowledgements")
        installation.stop_database(mode)
        installation.start_database()
    clients.finish(timeout_s=60)
    assert installation.server_pid == server
    assert answers.statuses.keys() == {200, 503}
    assert not answers.broken
    check_nothing_lost(installation, answers)
