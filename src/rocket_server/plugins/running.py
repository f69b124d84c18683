"""Running a hook of a plugin that lives in this process: in a thread of its own, with a time-out."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final, Literal, Protocol

from rocket_server.plugins.interface import Plugin, PluginEvent

# `raised`: the hook's own error. `ended`: its process went away. `unstartable`: its process can't be started.
# `busy`: other calls were before it, and it wasn't called.
Reason = Literal["raised", "timeout", "memory", "ended", "unstartable", "busy"]

MAX_STUCK: Final = 4  # threads of one plugin that never came back; a thread can't be ended from outside
_MESSAGE_CHARACTERS: Final = 300


class HookFailed(Exception):
    """A hook didn't end well. The message is a sentence for the plugin's author."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message


class Runner(Protocol):
    """Runs hooks of one plugin."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Waits until hooks may run, for all those of one event. Raises HookFailed `busy`."""
        ...

    async def run(self, hook: int, event: PluginEvent, timeout_s: float) -> Any:
        """What the plugin's hook of that index answers. Raises HookFailed."""
        ...

    async def close(self) -> None:
        """End what was started."""
        ...


class InThread:
    """Runs the hooks of a plugin that was registered in code.

    A hook that hangs keeps its thread, and with MAX_STUCK of them nothing of the plugin is called any more
    until one comes back: only a process of its own can be ended, which plugins of entry points have.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._stuck = 0

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Nobody waits: each call has a thread."""
        return nullcontext()

    async def run(self, hook: int, event: PluginEvent, timeout_s: float) -> Any:
        """What the hook answers. Raises HookFailed where it raises, or isn't done after `timeout_s`."""
        if self._stuck >= MAX_STUCK:
            raise HookFailed("timeout", f"{self._stuck} earlier calls never came back")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        handler = self._plugin.hooks[hook].handler

        def work() -> None:
            try:
                value, error = handler(event), None
                if inspect.isawaitable(value):
                    value = asyncio.run(_awaited(value))
            except BaseException as raised:
                value, error = None, raised
            try:
                loop.call_soon_threadsafe(settle, value, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        def settle(value: Any, error: BaseException | None) -> None:
            if done.done():  # too late: the thread was counted as stuck
                self._stuck -= 1
            elif error is not None:
                done.set_exception(HookFailed("raised", described(error)))
            else:
                done.set_result(value)

        threading.Thread(target=work, name=f"plugin-{self._plugin.id}", daemon=True).start()
        try:
            async with asyncio.timeout(timeout_s):
                return await done
        except TimeoutError:
            self._stuck += 1
            raise HookFailed("timeout", f"it wasn't done after {timeout_s:g} s") from None
        except asyncio.CancelledError:
            self._stuck += 1
            raise

    async def close(self) -> None:
        """Nothing was started that has to be ended: the threads are daemons."""


async def _awaited(value: Any) -> Any:
    return await value


def described(error: BaseException) -> str:
    """An error in one line: its type and what it says."""
    try:
        said = str(error)
    except Exception:
        said = "its message can't be read"
    name = type(error).__name__
    return " ".join(f"{name}: {said}".split())[:_MESSAGE_CHARACTERS] if said else name
