"""Event buffers: events are added at once and sent in the background, in batches."""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, Self

from rocket_learning.buffering import Buffering, BufferOptions, DeadLetters, Event, Round
from rocket_learning.call import Call
from rocket_learning.calls import Context, send_batch
from rocket_learning.errors import RocketError
from rocket_learning.resources import AsyncSender, Sender
from rocket_learning.types import BatchAnswer
from rocket_learning.watching import logger


class BaseBuffer:
    """What both buffers have in common."""

    def __init__(
        self, context: Context, options: BufferOptions, dead: DeadLetters, clock: Callable[[], float]
    ) -> None:
        self._context = context
        self._buffering = Buffering(options, dead, clock)

    @property
    def waiting(self) -> int:
        """How many events have neither arrived nor become dead letters."""
        return self._buffering.waiting

    def _add(self, event: Mapping[str, Any]) -> bool:
        return self._buffering.add(self._context.checked(event))

    def _call(self, batch: list[Event]) -> Call[BatchAnswer]:
        return send_batch(self._context, batch)


class EventBuffer(BaseBuffer):
    """Sends events in the background, from a thread of its own. Made by `client.buffer()`.

    Closing sends what waits, and so does the end of the program. May be used from several threads.
    """

    def __init__(
        self,
        sender: Sender,
        options: BufferOptions,
        dead: DeadLetters,
        *,
        clock: Callable[[], float] = time.monotonic,
        in_background: bool = True,
    ) -> None:
        """Without `in_background` nothing happens by itself: call `tick`."""
        super().__init__(sender.context, options, dead, clock)
        self._sender = sender
        self._in_flight = threading.Lock()
        self._wake = threading.Event()
        if in_background:
            threading.Thread(target=self._work, name="rocket-event-buffer", daemon=True).start()
            atexit.register(self.close)

    def add(self, event: Mapping[str, Any]) -> None:
        """Takes an event with the fields of `events.track`; its time and id are those of this moment.

        Raises ValidationError, BufferClosedError, and BufferFullError where overflow is `raise`.
        """
        if self._add(event) or self.waiting == 1:
            self._wake.set()

    def tick(self) -> None:
        """Sends what is due."""
        self._send(everything=False)

    def flush(self) -> None:
        """Sends everything now. What meets an outage goes on waiting; see `waiting`."""
        self._send(everything=True)

    def close(self) -> None:
        """Sends everything, once; what can't be sent becomes dead letters. Then nothing is taken any more."""
        atexit.unregister(self.close)
        self._buffering.close()
        self._wake.set()
        self._send(everything=True)
        self._buffering.give_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, *, everything: bool) -> None:
        with self._in_flight, closing(self._buffering.round(everything=everything)) as batches:
            batch = next(batches, None)
            while batch is not None:
                batch = _next(batches, self._outcome(batch))

    def _outcome(self, batch: list[Event]) -> BatchAnswer | RocketError:
        try:
            return self._sender.send(self._call(batch))
        except Exception as error:
            return _refusal(error)

    def _work(self) -> None:
        while not self._buffering.is_closed:
            self._wake.wait(self._buffering.due_in_s())
            self._wake.clear()
            self.tick()


class AsyncEventBuffer(BaseBuffer):
    """The same in a task of the running loop. Made by `client.buffer()`.

    Closing sends what waits, and so does the end of `asyncio.run`. Where a loop ends without that, what
    waits becomes dead letters at the end of the program.
    """

    def __init__(
        self,
        sender: AsyncSender,
        options: BufferOptions,
        dead: DeadLetters,
        *,
        clock: Callable[[], float] = time.monotonic,
        in_background: bool = True,
    ) -> None:
        super().__init__(sender.context, options, dead, clock)
        self._sender = sender
        self._in_flight = asyncio.Lock()
        self._wake = asyncio.Event()
        self._in_background = in_background
        self._task: asyncio.Task[None] | None = None

    def add(self, event: Mapping[str, Any]) -> None:
        """Takes an event, at once; for the rest see `EventBuffer.add`. A loop must be running."""
        due = self._add(event)
        if self._in_background and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="rocket-event-buffer")
            atexit.register(self._buffering.give_up)
        if due or self.waiting == 1:
            self._wake.set()

    async def tick(self) -> None:
        """Sends what is due."""
        await self._send(everything=False)

    async def flush(self) -> None:
        """Sends everything now. What meets an outage goes on waiting; see `waiting`."""
        await self._send(everything=True)

    async def close(self) -> None:
        """Sends everything, once; what can't be sent becomes dead letters. Then nothing is taken any more."""
        self._buffering.close()
        self._wake.set()
        await self._send(everything=True)
        self._buffering.give_up()
        atexit.unregister(self._buffering.give_up)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, *, everything: bool) -> None:
        async with self._in_flight:
            with closing(self._buffering.round(everything=everything)) as batches:
                batch = next(batches, None)
                while batch is not None:
                    batch = _next(batches, await self._outcome(batch))

    async def _outcome(self, batch: list[Event]) -> BatchAnswer | RocketError:
        try:
            return await self._sender.send(self._call(batch))
        except Exception as error:
            return _refusal(error)

    async def _work(self) -> None:
        try:
            while not self._buffering.is_closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._buffering.due_in_s()):
                        await self._wake.wait()
                self._wake.clear()
                await self.tick()
        except asyncio.CancelledError:  # the loop ends
            await self.close()
            raise


def _next(batches: Round, outcome: BatchAnswer | RocketError) -> list[Event] | None:
    """The batch after the one that ended so, if there is one."""
    try:
        return batches.send(outcome)
    except StopIteration:
        return None


def _refusal(error: Exception) -> RocketError:
    """Why a batch didn't arrive. A defect counts as a refusal, so that events don't wait for ever."""
    if isinstance(error, RocketError):
        return error
    logger.error("a batch couldn't be sent", exc_info=error)
    return RocketError(repr(error))
