"""Senders and receivers, closed at the end of each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from rocket_server.delivery.send import GuardedSender
from support.receivers import Receivers


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    """Opens receivers on this machine."""
    with Receivers() as opened:
        yield opened


@pytest.fixture
async def sender() -> AsyncIterator[GuardedSender]:
    """A sender that may call this machine."""
    made = GuardedSender(allow_private=True, allowed_cidrs=(), connections=64)
    yield made
    await made.close()
