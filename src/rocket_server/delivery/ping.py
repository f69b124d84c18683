"""Sends a webhook a test, at once and only once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rocket_server.delivery.bodies import render
from rocket_server.delivery.model import AttemptResult, Fact, Target
from rocket_server.delivery.outbox import Message, delivery_id, told
from rocket_server.delivery.send import GuardedSender
from rocket_server.errors import Conflict, RateLimitExceeded

EVENT: Final = "webhook.test"
_RETRY_AFTER_S: Final = 5


class Pings:
    """The tests that this process is sending: one of a webhook, and not many in all, for each may take as
    long as the webhook's time-out."""

    def __init__(self, sender: GuardedSender, at_once: int) -> None:
        self._sender = sender
        self._at_once = at_once
        self._under_way: set[str] = set()

    async def send(self, target: Target, tenant_id: str, message: Message, now: datetime) -> AttemptResult:
        """What became of the test. Raises Conflict while the webhook is being tested, RateLimitExceeded while
        too many are."""
        if target.endpoint_id in self._under_way:
            raise Conflict("A test of this webhook is under way. Wait for its answer.")
        if len(self._under_way) >= self._at_once:
            raise RateLimitExceeded("Too many tests of webhooks are under way.", _RETRY_AFTER_S)
        body = render(_fact(target, tenant_id, message, now), target.format)
        self._under_way.add(target.endpoint_id)
        try:
            return await self._sender.send(target, delivery_id(message.event_id, target.endpoint_id), body)
        finally:
            self._under_way.discard(target.endpoint_id)

    async def close(self) -> None:
        """Cut off what is under way."""
        await self._sender.close()


def message(endpoint_id: str, now: datetime) -> Message:
    """A new test of a webhook. It is about that webhook, so that no recovery sends it again."""
    properties = {"endpoint_id": endpoint_id, "message": "This is a test. Nobody has learned anything."}
    return told(EVENT, None, now, properties, points_awarded=None, about=endpoint_id)


def _fact(target: Target, tenant_id: str, message: Message, now: datetime) -> Fact:
    assert message.body is not None
    return Fact(
        tenant_id,
        target.organisation_id,
        message.event_id,
        message.event,
        None,
        now,
        message.body["properties"],
        None,
    )
