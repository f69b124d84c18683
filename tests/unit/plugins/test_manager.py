"""The manager: which hooks hear an event, in which order, and that each fails alone."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rocket_server.plugins import dispatch
from rocket_server.plugins.check import PluginError
from rocket_server.plugins.interface import ExternalService, Plugin, PluginEvent, PluginHook, Webhook
from rocket_server.plugins.manager import PluginManager
from rocket_server.plugins.running import MAX_STUCK, HookFailed

EVENT = PluginEvent(
    "quiz.submitted",
    {"tenantId": "t", "organisationId": "o", "userId": "anna"},
    {"score": 85},
    "2026-03-02T10:00:00.000Z",
    "0195",
)


def answering(value: Any) -> Callable[[PluginEvent], Any]:
    """A handler that answers a value."""
    return lambda event: value


def plugin(plugin_id: str, *hooks: PluginHook, **fields: Any) -> Plugin:
    """A plugin with hooks."""
    return Plugin(plugin_id, plugin_id.title(), "1.0", hooks=hooks, **fields)


def service(*events: str) -> ExternalService:
    """An external service that asks for events."""
    return ExternalService(Webhook("https://x.example/", events=events or ("*",)))


def test_plugins_come_and_go() -> None:
    """A registered plugin is found by its id until it is unregistered; an id is taken once."""
    manager = PluginManager()
    manager.register_plugin(plugin("first"))
    manager.register_plugin(plugin("second", is_active=False))
    assert [one.id for one in manager.get_plugins()] == ["first", "second"]
    assert [one.id for one in manager.get_active_plugins()] == ["first"]
    with pytest.raises(PluginError, match="'first': id"):
        manager.register_plugin(plugin("first"))
    assert manager.unregister_plugin("first")
    assert not manager.unregister_plugin("first")
    assert manager.get_plugin("first") is None
    assert manager.get_plugin("second") is not None


def test_low_priorities_go_first() -> None:
    """Hooks are sorted by their priority number, equal ones by registration, whatever plugin they are of."""
    manager = PluginManager()
    manager.register_plugin(
        plugin("a", PluginHook("quiz.submitted", print, 100), PluginHook("quiz.*", print, 5))
    )
    manager.register_plugin(plugin("b", PluginHook("*", print, 50), PluginHook("quiz.submitted", print, 100)))
    manager.register_plugin(plugin("c", PluginHook("course.completed", print, 1)))
    manager.register_plugin(plugin("d", PluginHook("*", print, 1), is_active=False))
    found = manager.get_hooks_for_event("quiz.submitted")
    assert [(hook.plugin_id, hook.hook.name) for hook in found] == [
        ("a", "quiz.*"),
        ("b", "*"),
        ("a", "quiz.submitted"),
        ("b", "quiz.submitted"),
    ]


def test_a_star_means_what_learners_do() -> None:
    """`*` hears any event of learners and none of the server's own troubles, which have to be named."""
    manager = PluginManager()
    manager.register_plugin(plugin("all", PluginHook("*", print)))
    manager.register_plugin(plugin("troubles", PluginHook("delivery.exhausted", print)))
    heard = {name: [hook.plugin_id for hook in manager.get_hooks_for_event(name)] for name in (
        "course.completed", "points.awarded", "delivery.exhausted", "endpoint.failing"
    )}  # fmt: skip
    assert heard == {
        "course.completed": ["all"],
        "points.awarded": ["all"],
        "delivery.exhausted": ["troubles"],
        "endpoint.failing": [],
    }


def test_what_is_asked_for_is_counted() -> None:
    """Events and services are those of active plugins."""
    manager = PluginManager()
    manager.register_plugin(plugin("a", PluginHook("quiz.submitted", print), external_service=service()))
    manager.register_plugin(plugin("b", external_service=service("course.completed", "test.*")))
    manager.register_plugin(
        plugin("c", PluginHook("x.y", print), external_service=service(), is_active=False)
    )
    assert manager.get_registered_events() == ["*", "course.completed", "quiz.submitted", "test.*"]
    assert manager.get_external_service_count() == 2


async def test_sync_and_async_handlers_are_called_with_the_event() -> None:
    """Both kinds of handlers get the event, and their results come back in the order of priority."""

    async def slow(event: PluginEvent) -> Any:
        await asyncio.sleep(0)
        return event.data["score"]

    manager = PluginManager()
    manager.register_plugin(
        plugin(
            "a",
            PluginHook("*", slow, 2),
            PluginHook("*", lambda event: event.context["userId"], 1),
        )
    )
    calls = await manager.trigger_event(EVENT)
    assert [(call.label, call.result, call.failed) for call in calls] == [
        ("*#2", "anna", False),
        ("*", 85, False),
    ]


def exits(event: PluginEvent) -> None:
    """A handler that would end the process."""
    sys.exit(3)


def raises(event: PluginEvent) -> None:
    """A handler with a mistake in it."""
    raise KeyError("points")


async def cancels(event: PluginEvent) -> None:
    """A handler that behaves as if it had been cancelled."""
    raise asyncio.CancelledError


async def test_one_that_fails_stops_no_other() -> None:
    """A hook that raises, exits or hangs fails alone, with a reason; each failure is counted for its hook."""
    release = threading.Event()
    manager = PluginManager(timeout_s=0.2)
    manager.register_plugin(
        plugin(
            "bad",
            PluginHook("*", raises, 1),
            PluginHook("*", exits, 2),
            PluginHook("*", lambda event: release.wait(60), 3),
            PluginHook("*", cancels, 4),
            PluginHook("*", answering("still here"), 5),
        )
    )
    manager.register_plugin(plugin("good", PluginHook("*", answering("well"), 6)))
    try:
        calls = await manager.trigger_event(EVENT)
    finally:
        release.set()
    assert [call.reason for call in calls] == ["raised", "raised", "timeout", "raised", None, None]
    assert [call.result for call in calls[-2:]] == ["still here", "well"]
    assert calls[0].message == "KeyError: 'points'"
    assert calls[1].message == "SystemExit: 3"
    counts = manager.counts("bad")
    assert {label: dict(count.failures) for label, count in counts.items()} == {
        "*": {"raised": 1},
        "*#2": {"raised": 1},
        "*#3": {"timeout": 1},
        "*#4": {"raised": 1},
        "*#5": {},
    }
    assert counts["*"].last_error == "KeyError: 'points'"
    assert {count.calls for count in counts.values()} == {1}


async def test_threads_that_never_come_back_are_bounded() -> None:
    """In this process a hook that hangs keeps its thread: after a few no more are started, until one ends."""
    release, started = threading.Event(), []

    def hangs(event: PluginEvent) -> None:
        started.append(event)
        release.wait(60)

    manager = PluginManager(timeout_s=0.05)
    manager.register_plugin(plugin("hung", PluginHook("*", hangs)))
    try:
        for _ in range(MAX_STUCK + 3):
            (call,) = await manager.trigger_event(EVENT)
            assert call.reason == "timeout"
        assert len(started) == MAX_STUCK
    finally:
        release.set()
    manager.timeout_s = 30
    async with asyncio.timeout(30):
        while (await manager.trigger_event(EVENT))[0].failed:
            continue


class Busy:
    """A runner whose turn never comes."""

    @asynccontextmanager
    async def turn(self) -> Any:
        raise HookFailed("busy", "others are first")
        yield

    async def run(self, hook: int, event: PluginEvent, timeout_s: float) -> Any:
        raise AssertionError("it has no turn")

    async def close(self) -> None: ...


async def test_who_had_no_turn_has_not_failed() -> None:
    """A delivery whose turn didn't come says so, and is no failure of the hook's."""
    manager = PluginManager()
    manager.register_plugin(plugin("busy", PluginHook("*", print)), runner=Busy())
    told = await dispatch.tell(manager, "busy", EVENT, 1_000)
    assert told.busy
    assert not told.delivered
    assert manager.counts("busy")["*"].failures.total() == 0


async def test_a_delivery_tells_which_hooks_failed() -> None:
    """Telling an event calls all hooks that want it; the answer has a line for each that failed."""
    manager = PluginManager()
    manager.register_plugin(
        plugin(
            "p",
            PluginHook("*", raises),
            PluginHook("quiz.submitted", answering(1)),
            PluginHook("course.completed", exits),
        )
    )
    told = await dispatch.tell(manager, "p", EVENT, 10_000)
    assert not told.delivered
    assert told.answer == "*: KeyError: 'points'"


async def test_no_hook_runs_after_its_delivery_has_ended() -> None:
    """Hooks for which the ones before left no time fail without being called."""
    called: list[str] = []
    release = threading.Event()
    manager = PluginManager(timeout_s=30)
    manager.register_plugin(
        plugin(
            "p",
            PluginHook("*", lambda event: release.wait(60), 1),
            PluginHook("*", lambda event: called.append(event.id), 2),
        )
    )
    try:
        told = await dispatch.tell(manager, "p", EVENT, 100)
    finally:
        release.set()
    assert [call.reason for call in told.failures] == ["timeout", "timeout"]
    assert called == []


def test_subscriptions_are_rows_for_hooks_and_services() -> None:
    """An active plugin has one subscription for its hooks and one for its service, with their own limits."""
    manager = PluginManager(timeout_s=4)
    manager.register_plugin(
        plugin(
            "both",
            PluginHook("quiz.submitted", print),
            PluginHook("*", print),
            external_service=ExternalService(
                Webhook("https://x.example/", timeout=7_000, retries=5, events=("test.*", "course.completed"))
            ),
        )
    )
    manager.register_plugin(plugin("off", PluginHook("*", print), is_active=False))
    hooks, http = dispatch.subscriptions(manager)
    assert (hooks.subscription_id, hooks.events, hooks.max_attempts) == ("both", ("*", "quiz.submitted"), 4)
    assert hooks.timeout_ms == 20_000 + 2 * 4_000  # its turn, a start after a wait, and two hooks
    assert (http.subscription_id, http.events, http.timeout_ms, http.max_attempts) == (
        "both#service",
        ("course.completed", "test.*"),
        7_000,
        6,
    )
    webhook = dispatch.service(manager, "both#service")
    assert webhook is not None
    assert webhook.url == "https://x.example/"
    assert dispatch.service(manager, "both") is None
    assert dispatch.service(manager, "gone#service") is None
