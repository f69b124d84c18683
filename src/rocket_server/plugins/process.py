"""The process that a plugin lives in, from outside: started, called, watched, ended. See `host.py`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil
import structlog

from rocket_server.plugins.interface import Plugin, PluginEvent
from rocket_server.plugins.loading import Found, described_plugin
from rocket_server.plugins.running import HookFailed

log = structlog.get_logger(__name__)

START_S: Final = 10.0  # to import a plugin
STOP_S: Final = 3.0  # for a process that is asked to end; it gives a running hook two
_LOOK_EVERY_S: Final = 0.05  # at the memory of a process in a call
_MAX_LINE_BYTES: Final = 1 << 20
_IMPORT_BYTES: Final = 1 << 30  # that the import of a plugin may take, beside its own limit

_OUTPUT_PIECE_BYTES: Final = 64 * 1024
_OUTPUT_PAUSE_S: Final = 0.02  # after a piece: who prints without end waits, and costs us nothing
_OUTPUT_LINES_PER_S: Final = 20
_OUTPUT_LINE_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory_bytes` is what a process may take beyond what it has after the import; `processes` how many
    calls of one plugin run at once."""

    memory_bytes: int = 256 << 20
    processes: int = 1


class Host:
    """One process of one plugin. Start it, call it one call at a time, and close or kill it."""

    def __init__(self, found: Found, limits: Limits) -> None:
        self._found = found
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._most_bytes = limits.memory_bytes + _IMPORT_BYTES

    async def start(self, environ: Mapping[str, str]) -> Plugin:
        """Import the plugin; what it says it is. `environ` is all that it sees. Raises HookFailed."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file of the folder we were started in is never taken for a module
            "-m",
            "rocket_server.plugins.host",
            self._found.name,
            self._found.value,
            str(self._limits.memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,  # Ctrl-C is ours; and what the plugin starts is killed with it
            limit=_MAX_LINE_BYTES,
        )
        assert self._process.stderr is not None
        self._output = asyncio.create_task(_log_output(self._process.stderr, self._found.name))
        try:
            answer = await self._ask(None, START_S)
        except HookFailed as failure:
            raise HookFailed("unstartable", f"while it was imported: {failure.message}") from None
        if "plugin" not in answer:
            await self.kill()
            raise HookFailed("unstartable", str(answer.get("failed")))
        try:
            plugin = described_plugin(answer["plugin"])
        except (LookupError, TypeError, ValueError) as error:
            await self.kill()
            raise HookFailed("unstartable", f"what it says of itself can't be read: {error}") from error
        self._most_bytes = self._memory_bytes() + self._limits.memory_bytes
        return plugin

    async def call(self, hook: int, event: PluginEvent, timeout_s: float) -> Any:
        """What a hook answers. Raises HookFailed; after any but `raised` the process is gone."""
        line = json.dumps({"hook": hook, "event": event.as_dict()}).encode() + b"\n"
        answer = await self._ask(line, timeout_s)
        if "error" in answer:
            raise HookFailed("raised", str(answer["error"]))
        return answer.get("result")

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def too_large(self) -> bool:
        """Whether the process has more memory than it may have."""
        return self.alive and self._memory_bytes() > self._most_bytes

    @property
    def worn(self) -> bool:
        """Whether so little room is left that the next call might be killed for what earlier ones kept."""
        return self.alive and self._memory_bytes() > self._most_bytes - self._limits.memory_bytes // 4

    async def kill(self) -> None:
        """End the process and what it started, at once."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._ended()

    async def close(self) -> None:
        """Let the process end; kill it where it doesn't."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        await self.kill()

    async def _ended(self) -> None:
        assert self._process is not None
        await self._process.wait()
        if self._output is not None:
            self._output.cancel()
            with suppress(asyncio.CancelledError):
                await self._output

    async def _ask(self, line: bytes | None, timeout_s: float) -> dict[str, Any]:
        """The answer to a line. Whatever else happens, also a cancellation, leaves no process behind."""
        exchange = asyncio.create_task(self._exchange(line))
        exchange.add_done_callback(_seen)
        until = time.monotonic() + timeout_s
        try:
            while not exchange.done():
                left = until - time.monotonic()
                if left <= 0:
                    raise HookFailed("timeout", f"it wasn't done after {timeout_s:g} s")
                await asyncio.wait({exchange}, timeout=min(left, _LOOK_EVERY_S))
                if not exchange.done() and self.too_large:
                    mib = self._limits.memory_bytes >> 20
                    raise HookFailed("memory", f"it took more than {mib} MiB of memory")
            return exchange.result()
        except HookFailed:
            await self.kill()
            raise
        except asyncio.CancelledError:
            await asyncio.shield(self.kill())
            raise
        finally:
            exchange.cancel()

    async def _exchange(self, line: bytes | None) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            if line is not None:
                self._process.stdin.write(line)
                await self._process.stdin.drain()
            answer = await self._process.stdout.readline()
            if answer:
                decoded = json.loads(answer)
                if isinstance(decoded, dict):
                    return decoded
                raise HookFailed("ended", "it wrote something else than an answer")
        except (OSError, ValueError) as error:
            raise HookFailed("ended", f"its process can't be talked to: {type(error).__name__}") from None
        status = await self._process.wait()
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise HookFailed("ended", f"its process {how}")

    def _memory_bytes(self) -> int:
        assert self._process is not None
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0


def _seen(task: asyncio.Task[Any]) -> None:
    """Nobody has to ask for the error of an exchange that was given up."""
    if not task.cancelled():
        task.exception()


async def _log_output(stream: asyncio.StreamReader, plugin: str) -> None:
    """Log what a plugin prints, as much as a person could read; the rest is counted and dropped."""
    second, lines, dropped = 0, 0, 0
    while piece := await stream.read(_OUTPUT_PIECE_BYTES):
        now = int(time.monotonic())
        if now != second:
            if dropped:
                log.warning("plugin_output_dropped", plugin=plugin, bytes=dropped)
            second, lines, dropped = now, 0, 0
        said = piece[: _OUTPUT_LINES_PER_S * _OUTPUT_LINE_CHARACTERS].decode("utf-8", "replace").splitlines()
        for line in said[: max(0, _OUTPUT_LINES_PER_S - lines)]:
            log.info("plugin_output", plugin=plugin, line=line[:_OUTPUT_LINE_CHARACTERS])
        if (
            lines + len(said) > _OUTPUT_LINES_PER_S
            or len(piece) > _OUTPUT_LINES_PER_S * _OUTPUT_LINE_CHARACTERS
        ):
            dropped += len(piece)
        lines += len(said)
        await asyncio.sleep(_OUTPUT_PAUSE_S)
