"""Which plugins there are, what they want to hear, and telling it to them one by one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from rocket_server import metrics
from rocket_server.events.wanted import wants
from rocket_server.plugins.check import PluginError, checked
from rocket_server.plugins.interface import Plugin, PluginEvent, PluginHook
from rocket_server.plugins.running import HookFailed, InThread, Reason, Runner, described

log = structlog.get_logger(__name__)

DEFAULT_TIMEOUT_S: Final = 10.0
MAX_PLUGINS: Final = 100


@dataclass(frozen=True, slots=True)
class RegisteredHook:
    """A hook of a plugin. `label` tells it from the plugin's others: `quiz.submitted`, then
    `quiz.submitted#2`; `index` is its place among them."""

    plugin_id: str
    index: int
    label: str
    hook: PluginHook


@dataclass(frozen=True, slots=True)
class Call:
    """What became of one call of one hook: its result, or a reason and a sentence."""

    plugin_id: str
    label: str
    duration_ms: int
    result: Any = None
    reason: Reason | None = None
    message: str = ""

    @property
    def failed(self) -> bool:
        return self.reason is not None


@dataclass(slots=True)
class HookCounts:
    """How often a hook was called in this process, and how it failed."""

    calls: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # by reason
    last_error: str | None = None
    last_error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailedPlugin:
    """An entry point that brought no plugin, and why."""

    entry_point: str
    message: str


@dataclass(slots=True)
class _Registered:
    plugin: Plugin
    hooks: tuple[RegisteredHook, ...]
    runner: Runner
    entry_point: str | None
    counts: dict[str, HookCounts]


class PluginManager:
    """The plugins of this process. Nothing here touches the database."""

    def __init__(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """`timeout_s` is what a hook may take."""
        self.timeout_s = timeout_s
        self.failed: list[FailedPlugin] = []
        self._registered: dict[str, _Registered] = {}

    def register_plugin(
        self, plugin: Any, *, runner: Runner | None = None, entry_point: str | None = None
    ) -> Plugin:
        """Add a plugin; without a runner its hooks are called in this process, in threads.

        Raises PluginError where it isn't whole, or its id is taken.
        """
        whole = checked(plugin)
        if whole.id in self._registered:
            raise PluginError(f"plugin {whole.id!r}: id: expected one that no other plugin has")
        if len(self._registered) >= MAX_PLUGINS:
            raise PluginError(f"plugin {whole.id!r}: expected at most {MAX_PLUGINS} plugins")
        hooks = _labelled(whole)
        counts = {hook.label: HookCounts() for hook in hooks}
        self._registered[whole.id] = _Registered(whole, hooks, runner or InThread(whole), entry_point, counts)
        return whole

    def unregister_plugin(self, plugin_id: str) -> bool:
        """Remove a plugin; whether it was there. What runs for it ends by itself or with `close`."""
        return self._registered.pop(plugin_id, None) is not None

    def get_plugin(self, plugin_id: str) -> Plugin | None:
        """The plugin of that id."""
        found = self._registered.get(plugin_id)
        return found.plugin if found else None

    def get_plugins(self) -> list[Plugin]:
        """All plugins, in the order of their registration."""
        return [one.plugin for one in self._registered.values()]

    def get_active_plugins(self) -> list[Plugin]:
        """Those that are active, in the order of their registration."""
        return [plugin for plugin in self.get_plugins() if plugin.is_active]

    def get_hooks_for_event(self, event: str, plugin_id: str | None = None) -> list[RegisteredHook]:
        """The active plugins' hooks that want an event, the lowest priority number first.

        Equal numbers go in the order of registration. `plugin_id` asks for one plugin's alone.
        """
        found = [
            hook
            for one in self._registered.values()
            if one.plugin.is_active and plugin_id in (None, one.plugin.id)
            for hook in one.hooks
            if wants((hook.hook.name,), event)
        ]
        return sorted(found, key=_priority)

    def get_registered_events(self) -> list[str]:
        """The events, `quiz.*` and `*` included, that active plugins' hooks and services ask for."""
        events: set[str] = set()
        for plugin in self.get_active_plugins():
            events |= {hook.name for hook in plugin.hooks}
            if plugin.external_service is not None:
                events |= set(plugin.external_service.webhook.events)
        return sorted(events)

    def get_external_service_count(self) -> int:
        """How many active plugins have an external service."""
        return sum(plugin.external_service is not None for plugin in self.get_active_plugins())

    def entry_point(self, plugin_id: str) -> str | None:
        """The entry point that brought a plugin; None for one that was registered in code."""
        return self._registered[plugin_id].entry_point

    def hooks(self, plugin_id: str) -> tuple[RegisteredHook, ...]:
        """A plugin's hooks, in its own order."""
        return self._registered[plugin_id].hooks

    def counts(self, plugin_id: str) -> Mapping[str, HookCounts]:
        """A plugin's calls in this process, by the hook's label."""
        return self._registered[plugin_id].counts

    async def trigger_event(self, event: PluginEvent) -> list[Call]:
        """Call all hooks that want an event; what became of each, in their order.

        One that raises or takes too long fails alone. Plugins are called side by side, the hooks of one
        plugin one after the other. This is for events that nobody has to hear twice; what learners do comes
        from the outbox instead, which knows what was told.
        """
        hooks = self.get_hooks_for_event(event.name)
        plugin_ids = list(dict.fromkeys(hook.plugin_id for hook in hooks))
        called = await asyncio.gather(*(self.trigger(plugin_id, event) for plugin_id in plugin_ids))
        by_hook = {(call.plugin_id, call.label): call for calls in called for call in calls}
        return [by_hook[hook.plugin_id, hook.label] for hook in hooks]

    async def trigger(self, plugin_id: str, event: PluginEvent, until: float | None = None) -> list[Call]:
        """Call one plugin's hooks that want an event, one after the other; what became of each.

        `until` is a time of `time.monotonic()` after which no hook may run.
        """
        one = self._registered.get(plugin_id)
        if one is None:
            return []
        hooks = self.get_hooks_for_event(event.name, plugin_id)
        try:
            async with one.runner.turn():
                return [await self._call(one, hook, event, until) for hook in hooks]
        except HookFailed as failure:  # it wasn't called at all, so nothing is counted
            return [
                Call(plugin_id, hook.label, 0, reason=failure.reason, message=failure.message)
                for hook in hooks
            ]

    async def close(self) -> None:
        """End every process that runs for a plugin."""
        await asyncio.gather(*(one.runner.close() for one in self._registered.values()))

    async def _call(
        self, one: _Registered, hook: RegisteredHook, event: PluginEvent, until: float | None
    ) -> Call:
        started = time.monotonic()
        timeout_s = self.timeout_s if until is None else min(self.timeout_s, until - started)
        counts = one.counts[hook.label]
        counts.calls += 1
        try:
            if timeout_s <= 0:
                raise HookFailed("timeout", "the hooks before it left no time")
            async with asyncio.timeout(None if until is None else until - started):
                result = await one.runner.run(hook.index, event, timeout_s)
        except Exception as error:
            failure = _failure(error)
            counts.failures[failure.reason] += 1
            counts.last_error, counts.last_error_at = failure.message, datetime.now(UTC)
            metrics.PLUGIN_FAILURES.labels(hook.plugin_id, hook.label, failure.reason).inc()
            log.warning(
                "plugin_hook_failed",
                plugin=hook.plugin_id,
                hook=hook.label,
                event_id=event.id,
                reason=failure.reason,
                error=failure.message,
            )
            return Call(
                hook.plugin_id,
                hook.label,
                _ms_since(started),
                reason=failure.reason,
                message=failure.message,
            )
        return Call(hook.plugin_id, hook.label, _ms_since(started), result)


def _failure(error: Exception) -> HookFailed:
    if isinstance(error, HookFailed):
        return error
    if isinstance(error, TimeoutError):
        return HookFailed("timeout", "no time was left for it")
    return HookFailed("raised", described(error))


def _labelled(plugin: Plugin) -> tuple[RegisteredHook, ...]:
    seen: Counter[str] = Counter()
    hooks = []
    for index, hook in enumerate(plugin.hooks):
        seen[hook.name] += 1
        label = hook.name if seen[hook.name] == 1 else f"{hook.name}#{seen[hook.name]}"
        hooks.append(RegisteredHook(plugin.id, index, label, hook))
    return tuple(hooks)


def _priority(hook: RegisteredHook) -> int:
    return hook.hook.priority


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def events_of(hooks: Sequence[PluginHook]) -> tuple[str, ...]:
    """The events that hooks ask for, each once."""
    return tuple(sorted({hook.name for hook in hooks}))
