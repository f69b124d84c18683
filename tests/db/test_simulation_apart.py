"""The process that a simulation over HTTP runs in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rocket_server.errors import Unavailable
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation import apart
from rocket_server.simulation.model import Period

RULE = parse_rule({"trigger": {"event": "a.b"}, "actions": {"award_points": 1}})
PERIOD = Period(datetime(2026, 3, 1, tzinfo=UTC))
NOBODY = "01a21f3d-ef75-700c-a1b2-cccfb18094e8"


async def test_without_a_database_it_says_so():
    """Where the process can't reach the database the answer is the 503 that every request gets then."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(Unavailable) as refused:
        await apart.simulate_apart(url, NOBODY, [RULE], PERIOD, 10, 5)
    assert "database" in refused.value.message


async def test_a_process_that_ends_without_an_answer(database: str, monkeypatch: pytest.MonkeyPatch):
    """Where the process is ended by what it took, the server goes on and says what to do."""
    monkeypatch.setattr(apart.sys, "executable", "/bin/false")
    with pytest.raises(Unavailable) as refused:
        await apart.simulate_apart(database, NOBODY, [RULE], PERIOD, 10, 5)
    assert "rocket rules simulate" in refused.value.message


def test_secrets_of_the_environment_stay_with_the_server():
    """The process gets what Python and the connection look at, and nothing else."""
    environ = {"PATH": "/bin", "PGSSLROOTCERT": "/ca.pem", "ROCKET_ENCRYPTION_KEY": "x", "AWS_SECRET": "y"}
    assert apart._environment(environ) == {"PATH": "/bin", "PGSSLROOTCERT": "/ca.pem"}
