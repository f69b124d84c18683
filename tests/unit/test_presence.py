"""Short requests come before long work: who is here, and who leaves pauses."""

from __future__ import annotations

import asyncio

import pytest

from rocket_server.errors import Unavailable
from rocket_server.http.edge.turnstile import Turnstile
from rocket_server.pace import SLICE_S, Pace
from rocket_server.presence import Short, acting_for, short


@pytest.fixture
def pauses(monkeypatch):
    """How long somebody slept, each time."""
    slept = []
    sleep = asyncio.sleep

    async def note(seconds):
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return slept


def test_one_knows_whether_others_wait():
    """Requests of others are told from one's own, and forgotten when they were answered."""
    here = Short()
    assert not here.of_others(None)
    with here.one("a"):
        assert here.of_others(None)
        assert here.of_others("b")
        assert not here.of_others("a")
        with here.one("a"), here.one("b"):
            assert here.of_others("a")
        assert not here.of_others("a")
    assert not here.of_others(None)
    with pytest.raises(Unavailable), here.one("a"):
        raise Unavailable("The server is stopping.")
    assert not here.of_others(None)


async def test_long_work_leaves_pauses_to_others(pauses):
    """A slice of work is followed by a pause as long, while somebody else waits for something short; else
    only others' turns come in between."""
    acting_for.set("busy")
    pace = Pace(10)
    await pace.rest()
    with short.one("busy"):
        await pace.rest()
        with short.one("modest"):
            await pace.rest()
    assert pauses == [0, 0, SLICE_S]


async def test_a_crowd_leaves_pauses_to_short_requests(pauses):
    """Who has passed the turnstile is followed by a pause while something short is under way, and by the next
    turn at once while nothing is."""
    turnstile = Turnstile()
    await turnstile.enter()
    assert pauses == [0]
    with short.one("modest"):
        await turnstile.enter()
    assert pauses[:2] == [0, 0]
    assert len(pauses) == 3
    assert 0 < pauses[2] <= 0.02
