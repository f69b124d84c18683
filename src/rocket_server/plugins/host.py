"""The process that a plugin lives in: `python -m rocket_server.plugins.host NAME MODULE:OBJECT MEMORY_BYTES`.

It talks JSON, one object a line. Its first line says what the plugin is, `{"plugin": {…}}`, or why there is
none, `{"failed": "…"}`. Then each line in, `{"hook": 0, "event": {…}}`, is one call and is answered by
`{"result": …}` or `{"error": "…"}`. Calls come one at a time. The end of standard input ends the process,
also when its parent was killed.

What the plugin prints goes to standard error: the pipes of the calls are taken from it before it is imported.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import queue
import resource
import signal
import sys
import threading
from typing import Any, Final, TextIO

from rocket_server.plugins.check import PluginError
from rocket_server.plugins.interface import Plugin, PluginEvent
from rocket_server.plugins.loading import description, load
from rocket_server.plugins.running import described

_GRACE_S: Final = 2.0  # for a hook that runs when the parent goes away
_RESULT_CHARACTERS: Final = 10_000
# Address space isn't memory: threads and allocators reserve more than they use.
_RESERVED_BYTES: Final = 1 << 30
_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Serve the plugin of the arguments until the end of standard input."""
    name, value, memory_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    calls, answers = _take_pipes()
    _die_with_parent()
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=[calls, waiting], daemon=True).start()
    try:
        plugin = load(name, value)
    except BaseException as error:
        said = str(error) if isinstance(error, PluginError) else described(error)
        _answer(answers, {"failed": said})
        return 1
    _limit(memory_bytes)
    _answer(answers, {"plugin": description(plugin)})
    with asyncio.Runner() as runner:
        while (line := waiting.get()) is not None:
            _answer(answers, _called(runner, plugin, line))
    return 0


def _take_pipes() -> tuple[TextIO, TextIO]:
    """The pipes to the parent, under numbers that the plugin doesn't know."""
    calls, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(calls, encoding="utf-8"), os.fdopen(answers, "w", encoding="utf-8")


def _die_with_parent() -> None:
    """Where the kernel can, end with the parent also inside a hook that never lets another thread run."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(memory_bytes: int) -> None:
    """The last resort against a hook that takes memory faster than the parent looks; and no core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    most = used + 2 * memory_bytes + _RESERVED_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _read(calls: TextIO, waiting: queue.SimpleQueue[str | None]) -> None:
    """Hand the lines over, and see the end even while a hook runs."""
    for line in calls:
        waiting.put(line)
    waiting.put(None)
    # The main thread ends now, unless a hook keeps it.
    threading.Event().wait(_GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _called(runner: asyncio.Runner, plugin: Plugin, line: str) -> dict[str, Any]:
    call = json.loads(line)
    try:
        result = plugin.hooks[call["hook"]].handler(PluginEvent.from_dict(call["event"]))
        if inspect.isawaitable(result):
            result = runner.run(_awaited(result))
    except BaseException as error:  # a plugin that calls sys.exit() has only failed
        return {"error": described(error)}
    try:
        return {"result": result} if len(json.dumps(result)) <= _RESULT_CHARACTERS else {"result": None}
    except (TypeError, ValueError, RecursionError):
        return {"result": None}  # it means nothing to anybody here


async def _awaited(value: Any) -> Any:
    return await value


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    except BrokenPipeError:  # the parent is gone
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
