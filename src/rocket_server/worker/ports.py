"""What the worker is given to reach receivers with: a sender of webhooks, and the plugins of this process."""

from __future__ import annotations

from typing import Protocol

from rocket_server.delivery.model import AttemptResult, Claimed, Fact, Target


class WebhookSender(Protocol):
    """Sends webhooks."""

    async def send(self, target: Target, delivery_id: str, body: bytes) -> AttemptResult:
        """Post a signed body and wait for the answer, no longer than the target's time-out. Never raises for
        what a receiver does."""
        ...

    async def close(self) -> None: ...


class Plugins(Protocol):
    """The plugins that are installed where this process runs."""

    def known(self) -> frozenset[str]:
        """Ids of the plugins that this process serves; deliveries to others are left to other processes."""
        ...

    def http_target(self, target: Target) -> Target | None:
        """Where the plugin is an external service, the address and headers to send to."""
        ...

    async def call(self, target: Target, claimed: Claimed, fact: Fact) -> AttemptResult | None:
        """Run the plugin's hooks for an event, no longer than the target's time-out; None where others were
        before it, and nothing was tried."""
        ...

    async def close(self) -> None: ...


class NoPlugins:
    """A process without plugins."""

    def known(self) -> frozenset[str]:
        return frozenset()

    def http_target(self, target: Target) -> Target | None:
        return None

    async def call(self, target: Target, claimed: Claimed, fact: Fact) -> AttemptResult | None:
        raise LookupError(f"no plugin {target.plugin_id} runs here")

    async def close(self) -> None:
        return None
