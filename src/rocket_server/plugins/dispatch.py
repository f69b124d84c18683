"""Deliveries to plugins: the rows of the outbox that stand for them, and the calls that a worker makes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rocket_server.plugins.hosts import MAX_BACKOFF_S, TURN_S
from rocket_server.plugins.interface import PluginEvent, Webhook
from rocket_server.plugins.manager import Call, PluginManager, events_of
from rocket_server.plugins.process import START_S

SERVICE_SUFFIX: Final = "#service"
HOOK_TRIES: Final = 4

_LONGEST_S: Final = 60.0  # that a delivery may take


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a plugin wants to be told: its hooks under its id, its external service under `<id>#service`.

    Each organisation has a row in `endpoints` for it. `timeout_ms` is for the whole of a delivery.
    """

    subscription_id: str
    events: tuple[str, ...]
    timeout_ms: int
    max_attempts: int
    description: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of telling an event to the hooks of a plugin; all were called, whatever the others did."""

    started_at: datetime
    duration_ms: int
    failures: tuple[Call, ...]

    @property
    def delivered(self) -> bool:
        return not self.failures

    @property
    def busy(self) -> bool:
        """Whether a hook wasn't called because others were before it; the delivery is still to be tried."""
        return any(call.reason == "busy" for call in self.failures)

    @property
    def answer(self) -> str:
        """A line for each hook that failed, its label before the first `: `."""
        return "\n".join(f"{call.label}: {call.message}" for call in self.failures)


def subscriptions(manager: PluginManager) -> tuple[Subscription, ...]:
    """What the active plugins of this process want to be told."""
    wanted = []
    for plugin in manager.get_active_plugins():
        if plugin.hooks:
            longest = max(
                len(manager.get_hooks_for_event(_an_event(hook.name), plugin.id)) for hook in plugin.hooks
            )
            whole_s = min(_LONGEST_S, TURN_S + MAX_BACKOFF_S + START_S + manager.timeout_s * longest)
            wanted.append(
                Subscription(
                    plugin.id, events_of(plugin.hooks), round(whole_s * 1000), HOOK_TRIES, plugin.name
                )
            )
        if plugin.external_service is not None:
            webhook = plugin.external_service.webhook
            wanted.append(
                Subscription(
                    f"{plugin.id}{SERVICE_SUFFIX}",
                    tuple(sorted(webhook.events)),
                    webhook.timeout,
                    webhook.retries + 1,
                    f"{plugin.name} (external service)",
                )
            )
    return tuple(wanted)


def service(manager: PluginManager, subscription_id: str) -> Webhook | None:
    """The external service that a subscription's deliveries go to by HTTP; None where they go to hooks."""
    if not subscription_id.endswith(SERVICE_SUFFIX):
        return None
    plugin = manager.get_plugin(subscription_id.removesuffix(SERVICE_SUFFIX))
    return plugin.external_service.webhook if plugin and plugin.external_service else None


async def tell(manager: PluginManager, plugin_id: str, event: PluginEvent, timeout_ms: int) -> Told:
    """Call a plugin's hooks for an event, within the time that its subscription has."""
    started_at, started = datetime.now(UTC), time.monotonic()
    calls = await manager.trigger(plugin_id, event, started + timeout_ms / 1000)
    duration_ms = round((time.monotonic() - started) * 1000)
    return Told(started_at, duration_ms, tuple(call for call in calls if call.failed))


def _an_event(pattern: str) -> str:
    """An event that a pattern means, to see which hooks hear it."""
    return "learner.event" if pattern == "*" else pattern.replace("*", "event")
