"""The server is killed at random moments; clients send the same events again."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from support.insistent import Answers, Clients
from support.installation import Installation, wait_until

pytestmark = pytest.mark.reliability

KILLS = int(os.environ.get("ROCKET_TEST_KILLS", "8"))


def test_acknowledged_events_and_awards_survive_kill_9(
    install: Callable[..., Installation], check_nothing_lost: Callable[[Installation, Answers], None]
) -> None:
    """However often the server is killed under load, each acknowledged event and each award is there once."""
    installation = install()
    clients = Clients(installation.port, installation.api_key)
    clients.start()
    rng = random.Random()
    for _ in range(KILLS):
        acknowledged = len(clients.answers.acknowledged)
        wait_until(
            lambda seen=acknowledged: len(clients.answers.acknowledged) > seen, 60, "an acknowledgement"
        )
        time.sleep(rng.uniform(0, 0.4))
        installation.kill_server()
        installation.start_server()
    clients.finish(timeout_s=120)
    assert len(clients.answers.broken) >= KILLS, "the kills met no client"
    assert not clients.answers.refusals
    check_nothing_lost(installation, clients.answers)
