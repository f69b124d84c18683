"""The plugins of this process as the worker uses them: deliveries in, outcomes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from rocket_server.delivery.bodies import render
from rocket_server.delivery.model import ANSWER_BYTES, AttemptResult, Claimed, Fact, Target
from rocket_server.plugins import dispatch
from rocket_server.plugins.dispatch import Told
from rocket_server.plugins.interface import PluginEvent
from rocket_server.plugins.manager import PluginManager

# A plugin answers nothing; this stands where the log has a receiver's status.
_TAKEN: Final = 200

_decode = msgspec.json.Decoder().decode


class InstalledPlugins:
    """Tells events to hooks, and says where external services are called."""

    def __init__(self, manager: PluginManager) -> None:
        """`manager` is closed with this."""
        self._manager = manager
        self._known = frozenset(one.subscription_id for one in dispatch.subscriptions(manager))

    def known(self) -> frozenset[str]:
        """What this process may claim deliveries of: hooks of plugins under their ids, and services."""
        return self._known

    def http_target(self, target: Target) -> Target | None:
        """Where an external service is called, with the headers that only this process knows."""
        webhook = dispatch.service(self._manager, target.plugin_id or "")
        if webhook is None:
            return None
        return replace(
            target,
            url=webhook.url,
            method=webhook.method,
            headers=webhook.headers,
            timeout_ms=webhook.timeout,
            max_attempts=webhook.retries + 1,
            format="assessment",
            secrets=(),
        )

    async def call(self, target: Target, claimed: Claimed, fact: Fact) -> AttemptResult | None:
        """Call the plugin's hooks for an event; None where its turn didn't come and nothing was called."""
        body: dict[str, Any] = _decode(render(fact, "assessment"))
        told = await dispatch.tell(
            self._manager, target.plugin_id or "", PluginEvent.from_dict(body), target.timeout_ms
        )
        return None if told.busy else _outcome(told)

    async def close(self) -> None:
        """End the plugins' processes."""
        await self._manager.close()


def _outcome(told: Told) -> AttemptResult:
    if told.delivered:
        return AttemptResult(told.started_at, told.duration_ms, _TAKEN, None, "")
    answer = told.answer.encode()[:ANSWER_BYTES].decode(errors="ignore")
    return AttemptResult(told.started_at, told.duration_ms, None, f"hook_{told.failures[0].reason}", answer)
