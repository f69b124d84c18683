"""The processes of one plugin: how many there are, whose turn it is, and the wait after one was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from rocket_server.plugins.interface import Plugin, PluginEvent
from rocket_server.plugins.loading import Found, description
from rocket_server.plugins.process import Host, Limits
from rocket_server.plugins.running import HookFailed

log = structlog.get_logger(__name__)

TURN_S: Final = 5.0  # for calls of the same plugin that were there first
_BACKOFF_S: Final = 0.1  # doubled with each death that no good call came between
MAX_BACKOFF_S: Final = 5.0


class Hosts:
    """The processes of one plugin: at most as many as the limits say, each with one call at a time."""

    def __init__(self, found: Found, plugin: Plugin, limits: Limits, environ: Mapping[str, str]) -> None:
        """Nothing is started before the first call."""
        self._found = found
        self._said = description(plugin)["hooks"]
        self._limits = limits
        self._environ = environ
        self._turns = asyncio.Semaphore(limits.processes)
        self._idle: list[Host] = []
        self._all: set[Host] = set()
        self._deaths = 0
        self._not_before = 0.0
        self._closed = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for one of the processes, in the order of asking. Raises HookFailed `busy` after TURN_S."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise HookFailed("busy", f"its turn didn't come within {TURN_S:g} s") from None
        try:
            yield
        finally:
            self._turns.release()

    async def run(self, hook: int, event: PluginEvent, timeout_s: float) -> Any:
        """What a hook answers, with a time-out that begins when a process stands; called within a turn.

        Raises HookFailed.
        """
        host = await self._standing()
        try:
            result = await host.call(hook, event, timeout_s)
        except HookFailed as failure:
            if failure.reason != "raised":
                self._died(failure)
            raise
        else:
            self._deaths = 0
            return result
        finally:
            await self._put_back(host)

    async def close(self) -> None:
        """Let all processes end."""
        self._closed = True
        await asyncio.gather(*(host.close() for host in self._all))
        self._all.clear()
        self._idle.clear()

    async def _standing(self) -> Host:
        while self._idle:
            host = self._idle.pop()
            if host.alive:
                return host
            self._all.discard(host)
            await host.kill()  # it ended while nobody called it: take the rest of it away
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        if self._closed:
            raise HookFailed("ended", "the worker stops")
        host = Host(self._found, self._limits)
        self._all.add(host)
        try:
            plugin = await host.start(self._environ)
            if description(plugin)["hooks"] != self._said:
                await host.kill()
                raise HookFailed("unstartable", "its hooks are others than before: start the worker again")
        except OSError as error:
            self._all.discard(host)
            failure = HookFailed("unstartable", f"its process can't be started: {error.strerror}")
            self._died(failure)
            raise failure from error
        except HookFailed as failure:
            self._all.discard(host)
            self._died(failure)
            raise
        except BaseException:
            self._all.discard(host)
            await asyncio.shield(host.kill())
            raise
        return host

    async def _put_back(self, host: Host) -> None:
        if host.worn:
            log.warning("plugin_process_replaced", entry_point=self._found.name)
            await host.close()
        if host.alive and not self._closed:
            self._idle.append(host)
        else:
            self._all.discard(host)

    def _died(self, failure: HookFailed) -> None:
        self._deaths += 1
        wait_s = min(MAX_BACKOFF_S, _BACKOFF_S * 2 ** min(self._deaths - 1, 10))
        self._not_before = time.monotonic() + wait_s
        log.warning(
            "plugin_process_lost",
            entry_point=self._found.name,
            reason=failure.reason,
            error=failure.message,
            wait_s=wait_s,
        )
