"""Plugins that misbehave in every way, in the processes that they have for that."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from rocket_server.config.settings import Settings
from rocket_server.plugins import dispatch
from rocket_server.plugins.discovery import discover
from rocket_server.plugins.interface import PluginEvent
from rocket_server.plugins.manager import PluginManager
from support import plugins
from support.command import eventually, is_gone, rocket

MANY_MS = 120_000


def event(name: str, event_id: str = "0195") -> PluginEvent:
    """An event of a learner."""
    context = {"tenantId": "t", "organisationId": "o", "userId": "anna"}
    return PluginEvent(name, context, {"score": 85}, "2026-03-02T10:00:00.000Z", event_id)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where plugins are installed, as this process sees it."""
    plugins.install(tmp_path, "naughty", plugins.NAUGHTY)
    plugins.install(tmp_path, "good", plugins.GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


async def found(folder: Path, **settings: str) -> PluginManager:
    """The manager of an installation with the folder's plugins."""
    own = plugins.environment(folder)
    environ = {"HOME": str(folder), "ROCKET_PLUGIN_ENVIRONMENT": own["ROCKET_PLUGIN_ENVIRONMENT"], **settings}
    secrets = {
        "ROCKET_DATABASE_URL": "postgresql://u:p@h/d",
        "ROCKET_ENCRYPTION_KEY": "x",
        "ROCKET_ANALYTICS_TOKEN": "x",
        "LMS_API_KEY": "x",
        "PGPASSWORD": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "NAUGHTY_TOKEN": "its own",
    }
    inherited = {**os.environ, **secrets, **own}
    return await discover(Settings.from_environ(environ), inherited)


@pytest.fixture
async def manager(folder: Path) -> AsyncIterator[PluginManager]:
    """Both plugins, with little time and memory."""
    manager = await found(folder, ROCKET_PLUGIN_TIMEOUT="3", ROCKET_PLUGIN_MEMORY="64")
    assert manager.failed == []
    yield manager
    await manager.close()


@pytest.mark.parametrize(
    ("hook", "reason", "message"),
    [
        ("raises", "raised", "ValueError: not today"),
        ("sleeps", "timeout", "it wasn't done after 3 s"),
        ("spins", "timeout", "it wasn't done after 3 s"),
        ("waits", "timeout", "it wasn't done after 3 s"),
        ("holds", "timeout", "it wasn't done after 3 s"),
        ("leaks", "memory", "it took more than 64 MiB of memory"),
        ("gulps", "raised", "MemoryError"),
        ("exits", "ended", "its process ended with status 7"),
        ("leaves", "raised", "SystemExit: 7"),
        ("crashes", "ended", "its process was ended by signal 11"),
        ("floods", "timeout", "it wasn't done after 3 s"),
    ],
)
async def test_a_hook_that_misbehaves_fails_alone(
    manager: PluginManager, folder: Path, hook: str, reason: str, message: str
) -> None:
    """Whatever a hook does, its delivery fails with the reason, another plugin hears its events meanwhile,
    and the same plugin's next event is heard too."""

    async def others() -> None:
        for number in range(5):
            told = await dispatch.tell(manager, "good", event("quiz.fine", f"good-{number}"), MANY_MS)
            assert told.delivered

    told, _ = await asyncio.gather(
        dispatch.tell(manager, "naughty", event(f"quiz.{hook}"), MANY_MS), others()
    )
    assert [(call.label, call.reason, call.message) for call in told.failures] == [
        (f"quiz.{hook}", reason, message)
    ]
    assert told.answer == f"quiz.{hook}: {message}"
    assert len(plugins.heard(folder, "good")) == 5
    assert (await dispatch.tell(manager, "naughty", event("quiz.fine"), MANY_MS)).delivered
    assert dict(manager.counts("naughty")[f"quiz.{hook}"].failures) == {reason: 1}
    assert manager.counts("naughty")["quiz.fine"].failures.total() == 0


async def test_answers_come_back(manager: PluginManager) -> None:
    """Plain and asynchronous hooks answer through the pipe; what is printed is logged, and forges nothing."""
    with capture_logs() as logged:
        for hook, answer in (("fine", "anna"), ("fine_too", {"score": 85}), ("prints", "printed")):
            (call,) = await manager.trigger("naughty", event(f"quiz.{hook}"))
            assert (call.failed, call.result) == (False, answer)
        await asyncio.to_thread(
            eventually,
            lambda: any(line.get("line") == "a line on stdout" for line in logged),
            lambda: logged,
        )


async def test_a_process_serves_many_events_and_none_is_started_for_nothing(
    manager: PluginManager, folder: Path
) -> None:
    """A plugin's process is started with its first event and then kept; one that raises isn't ended."""
    before = set(psutil.Process().children())
    for number in range(20):
        name = "quiz.raises" if number == 7 else "quiz.fine"
        await dispatch.tell(manager, "naughty", event(name, str(number)), MANY_MS)
    assert len({pid for _, pid in plugins.heard(folder, "naughty")}) == 1
    assert len(set(psutil.Process().children()) - before) == 1


async def test_what_leaks_a_little_is_replaced_in_time(manager: PluginManager, folder: Path) -> None:
    """A plugin that keeps some memory of each event is given a new process, and no event fails for it."""
    with capture_logs() as logged:
        for number in range(6):
            told = await dispatch.tell(manager, "naughty", event("quiz.grows", str(number)), MANY_MS)
            assert told.delivered, told.answer
    assert len({pid for _, pid in plugins.heard(folder, "naughty")}) >= 2
    assert "plugin_process_replaced" in [line["event"] for line in logged]


async def test_what_a_plugin_started_ends_with_it(manager: PluginManager, folder: Path) -> None:
    """When a hook that hangs is killed, so is the process that it had started."""
    told = await dispatch.tell(manager, "naughty", event("quiz.spawns"), MANY_MS)
    assert [call.reason for call in told.failures] == ["timeout"]
    (child,) = [int(words[2]) for words in plugins.heard(folder, "naughty") if len(words) == 3]
    eventually(lambda: is_gone(child), lambda: f"process {child} lives")


async def test_plugins_see_what_is_named_for_them(manager: PluginManager) -> None:
    """Keys of the server and of other services aren't inherited, nor the database's URL where it is named."""
    (call,) = await manager.trigger("naughty", event("quiz.database"))
    assert call.result == ["NAUGHTY_TOKEN"]


async def test_several_processes_take_turns(folder: Path) -> None:
    """ROCKET_PLUGIN_PROCESSES says how many events of one plugin are told at once; the others wait."""
    manager = await found(folder, ROCKET_PLUGIN_PROCESSES="2")
    try:
        told = await asyncio.gather(
            *(dispatch.tell(manager, "good", event("quiz.fine", str(n)), MANY_MS) for n in range(20))
        )
    finally:
        await manager.close()
    assert all(one.delivered for one in told)
    words = plugins.heard(folder, "good")
    assert len(words) == 20
    assert len({pid for *_, pid in words}) == 2


async def test_a_stop_ends_the_processes(folder: Path) -> None:
    """Closing the manager ends every process, also that of a hook which hangs."""
    manager = await found(folder, ROCKET_PLUGIN_TIMEOUT="600")
    await dispatch.tell(manager, "good", event("quiz.fine"), MANY_MS)
    hanging = asyncio.create_task(dispatch.tell(manager, "naughty", event("quiz.spins"), 600_000))
    await asyncio.to_thread(eventually, lambda: bool(plugins.heard(folder, "naughty")), lambda: "not called")
    await manager.close()
    assert [call.reason for call in (await hanging).failures] == ["ended"]
    pids = [int(words[-1]) for name in ("good", "naughty") for words in plugins.heard(folder, name)]
    assert all(is_gone(pid) for pid in pids)


_WORKER = """
    import asyncio, os, sys
    from rocket_server.config.settings import Settings
    from rocket_server.plugins import dispatch
    from rocket_server.plugins.discovery import discover
    from rocket_server.plugins.interface import PluginEvent

    async def main():
        manager = await discover(Settings.from_environ(os.environ), os.environ)
        context = {"tenantId": "t", "organisationId": "o", "userId": "anna"}
        event = lambda name: PluginEvent(name, context, {}, "2026-03-02T10:00:00.000Z", "1")
        await dispatch.tell(manager, "good", event("quiz.fine"), 600_000)
        await dispatch.tell(manager, "naughty", event("quiz.%s"), 600_000)

    asyncio.run(main())
"""


@pytest.mark.parametrize("hook", ["sleeps", "spins", "waits", "holds"])
def test_processes_end_with_a_worker_that_is_killed(folder: Path, hook: str) -> None:
    """After a `kill -9` of the worker none of its plugins' processes lives on, whatever its hook does."""
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_WORKER) % hook],
        env={**os.environ, **plugins.environment(folder), "ROCKET_PLUGIN_TIMEOUT": "600"},
    )
    try:
        eventually(lambda: bool(plugins.heard(folder, "naughty")), lambda: "the hook wasn't called")
        pids = [int(words[-1]) for name in ("good", "naughty") for words in plugins.heard(folder, name)]
        assert not any(is_gone(pid) for pid in pids)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    eventually(lambda: all(is_gone(pid) for pid in pids), lambda: f"some of {pids} live")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def plugin(", "SyntaxError: "),
        ("import os; os._exit(3)", "while it was imported: its process ended with status 3"),
        ("import sys; sys.exit('no')", "SystemExit: no"),
        ("other = 1", "AttributeError: module 'broken' has no attribute 'plugin'"),
        ("plugin = 7", "plugin of type int: id: expected"),
        ("def plugin(argument): pass", "TypeError: plugin() missing 1 required positional argument"),
        (
            "from rocket_server.plugins.interface import Plugin\nplugin = Plugin('good', 'Again', '1')",
            "plugin 'good': id: expected one that no other plugin has",
        ),
    ],
)
async def test_a_plugin_that_cannot_be_loaded_is_shown_as_failed(
    folder: Path, source: str, message: str
) -> None:
    """A plugin whose import fails, ends the process or brings something else is listed with the reason, and
    the others are there."""
    plugins.install(folder, "zbroken" if "Again" in source else "broken", source)
    with capture_logs() as logged:
        manager = await found(folder)
    (failed,) = manager.failed
    assert message in failed.message
    assert {plugin.id for plugin in manager.get_plugins()} >= {"good", "naughty"}
    assert failed.message in [line.get("error") for line in logged if line["event"] == "plugin_failed"]


def test_the_command_lists_what_a_server_would_find(folder: Path) -> None:
    """`rocket plugins list` names each plugin with its state, and ends with 1 where one is broken."""
    settings = plugins.environment(folder)
    listed = rocket(settings, "plugins", "list").stdout
    assert re.search(r"^good +1\.0 +active +\* +- +Good$", listed, re.M), listed
    plugins.install(folder, "broken", "plugin = 7")
    listed = rocket(settings, "plugins", "list", expect=1).stdout
    assert re.search(r"^broken +failed +- +- +plugin of type int: id: expected", listed, re.M), listed


async def test_what_cannot_be_read_is_no_plugin(folder: Path) -> None:
    """A module that writes to its process's pipes itself is a failed plugin, and no more."""
    forged = """
import contextlib, os
for number in range(3, 20):
    with contextlib.suppress(OSError):
        os.write(number, b'{"plugin": {}}\\n')
"""
    plugins.install(folder, "broken", forged)
    manager = await found(folder)
    (failed,) = manager.failed
    assert "what it says of itself can't be read" in failed.message
    assert manager.get_plugin("good") is not None


async def test_an_import_that_hangs_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that never ends is killed after its time, and the others are there."""
    monkeypatch.setattr("rocket_server.plugins.process.START_S", 2.0)
    plugins.install(folder, "broken", "while True: pass")
    manager = await found(folder)
    (failed,) = manager.failed
    assert failed.message == "while it was imported: it wasn't done after 2 s"
    assert manager.get_plugin("good") is not None


async def test_processes_that_keep_dying_are_started_ever_more_slowly(manager: PluginManager) -> None:
    """After each death the next start waits longer, up to a bound; a good call forgets the deaths."""
    with capture_logs() as logged:
        for _ in range(4):
            await dispatch.tell(manager, "naughty", event("quiz.exits"), MANY_MS)
        assert (await dispatch.tell(manager, "naughty", event("quiz.fine"), MANY_MS)).delivered
        await dispatch.tell(manager, "naughty", event("quiz.exits"), MANY_MS)
    waits = [line["wait_s"] for line in logged if line["event"] == "plugin_process_lost"]
    assert waits == [0.1, 0.2, 0.4, 0.8, 0.1]


async def test_a_turn_that_does_not_come_is_no_failure(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a hook of the plugin hangs, another delivery of it waits a while and isn't tried."""
    monkeypatch.setattr("rocket_server.plugins.hosts.TURN_S", 0.2)
    started = time.monotonic()
    hanging, waiting = await asyncio.gather(
        dispatch.tell(manager, "naughty", event("quiz.sleeps"), MANY_MS),
        dispatch.tell(manager, "naughty", event("quiz.fine"), MANY_MS),
    )
    assert [call.reason for call in hanging.failures] == ["timeout"]
    assert waiting.busy
    assert time.monotonic() - started >= 0.2
