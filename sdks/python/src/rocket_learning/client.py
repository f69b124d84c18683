"""The two clients. They differ in how they wait; what they say and decide is shared."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import aclosing, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import httpx

from rocket_learning import calls, resources
from rocket_learning.breaker import CircuitBreaker
from rocket_learning.buffer import AsyncEventBuffer, EventBuffer
from rocket_learning.buffering import BufferOptions, DeadLetters, OnDeadLetter, Overflow
from rocket_learning.call import Call, Conversation, Outcome, Step, Wait, converse
from rocket_learning.errors import TransportError
from rocket_learning.retry import RetryPolicy
from rocket_learning.schema import EventSchema
from rocket_learning.settings import TIMEOUT_S, BreakerPolicy, Environment, settings_of
from rocket_learning.transport import Reading, options, request_of, transport_error
from rocket_learning.types import Health
from rocket_learning.watching import BreakerChanged, Hook, tell

R = TypeVar("R")
Transport = TypeVar("Transport")


class BaseClient(Generic[Transport]):
    """What both clients are made with."""

    def __init__(
        self,
        api_key: str | None = None,
        environment: Environment = "production",
        *,
        base_url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retry: RetryPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        validate_events: bool = True,
        hook: Hook | None = None,
        transport: Transport | None = None,
    ) -> None:
        """A client of one organisation, to which the API key belongs.

        `api_key` is `ROCKET_API_KEY` by default; `base_url` is `ROCKET_BASE_URL`, else the environment's.
        `timeout_s` is for each try: connecting, sending, and the answer. `validate_events` checks
        events here, before they are sent. `hook` hears of each try and retry; see `watching`. `transport` is
        one of httpx'. Raises ConfigurationError.
        """
        self.settings = settings_of(
            api_key=api_key,
            environment=environment,
            base_url=base_url,
            timeout_s=timeout_s,
            retry=retry or RetryPolicy(),
            breaker=breaker or BreakerPolicy(),
            validate_events=validate_events,
            hook=hook,
        )
        self.context = calls.Context(self.settings)
        self.breaker = CircuitBreaker(
            self.settings.breaker.threshold,
            self.settings.breaker.reset_s,
            on_change=lambda before, after: tell(hook, BreakerChanged(before, after)),
        )
        self._open(transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.settings.base_url!r})"

    def set_event_schema(self, schema: Mapping[str, Any] | None) -> None:
        """Check every event against rules of your own as well; None takes them away.

        Such as `{"properties": {"course_id": {"type": "string", "required": True}, "progress_pct": {"type":
        "number", "min": 0, "max": 100}}}`. Raises ConfigurationError for a schema that can't be meant.
        """
        self.context.schema = None if schema is None else EventSchema.read(schema)

    def _open(self, transport: Transport | None) -> None:
        raise NotImplementedError

    def _conversation(self, call: Call[Any], url: str) -> Conversation:
        settings = self.settings
        return converse(call, url, settings.retry, self.breaker, random.random, settings.hook)


class RocketClient(BaseClient[httpx.BaseTransport]):
    """The blocking client; may be used from several threads. Close it, or use it in a `with`."""

    def _open(self, transport: httpx.BaseTransport | None) -> None:
        self._http = httpx.Client(**options(self.settings), transport=transport)
        self._buffers: list[EventBuffer] = []
        self.events = resources.Events(self)
        self.points = resources.Points(self)
        self.badges = resources.Badges(self)
        self.users = resources.Users(self)
        self.leaderboard = resources.Leaderboards(self)
        self.rules = resources.Rules(self)

    def health(self) -> Health:
        """Whether the server and each of its parts work; a ServerError where one doesn't."""
        return self.send(calls.health(self.context))

    def buffer(
        self,
        *,
        max_size: int = 100,
        flush_interval_s: float = 5.0,
        capacity: int = 10_000,
        overflow: Overflow = "dead_letter",
        on_dead_letter: OnDeadLetter | None = None,
        dead_letter_file: Path | str | None = None,
    ) -> EventBuffer:
        """A buffer that sends events in the background; see BufferOptions and DeadLetters."""
        chosen = BufferOptions(max_size, flush_interval_s, capacity, overflow)
        made = EventBuffer(self, chosen, DeadLetters(on_dead_letter, dead_letter_file))
        self._buffers.append(made)
        return made

    def send(self, call: Call[R]) -> R:
        """Makes a call of `rocket_learning.calls`. Raises ApiError, TransportError or CircuitOpenError."""
        url = self.settings.base_url + call.path
        with closing(self._conversation(call, url)) as conversation:
            try:
                step = next(conversation)
                while True:
                    step = conversation.send(self._do(step, call, url))
            except StopIteration as end:
                return cast(R, end.value)

    def _do(self, step: Step, call: Call[Any], url: str) -> Outcome:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        reading = Reading(self.settings.timeout_s)
        try:
            with closing(self._http.send(request_of(self._http, call, url), stream=True)) as response:
                for chunk in response.iter_bytes():
                    reading.add(chunk)
            return reading.answer(response)
        except (httpx.RequestError, TransportError) as error:
            return transport_error(error)

    def close(self) -> None:
        """Sends what waits in the client's buffers, and closes its connections."""
        for buffer in self._buffers:
            buffer.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncRocketClient(BaseClient[httpx.AsyncBaseTransport]):
    """The async client: the same calls, awaited. Close it, or use it in an `async with`."""

    def _open(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self._http = httpx.AsyncClient(**options(self.settings), transport=transport)
        self._buffers: list[AsyncEventBuffer] = []
        self.events = resources.AsyncEvents(self)
        self.points = resources.AsyncPoints(self)
        self.badges = resources.AsyncBadges(self)
        self.users = resources.AsyncUsers(self)
        self.leaderboard = resources.AsyncLeaderboards(self)
        self.rules = resources.AsyncRules(self)

    async def health(self) -> Health:
        """Whether the server and each of its parts work; a ServerError where one doesn't."""
        return await self.send(calls.health(self.context))

    def buffer(
        self,
        *,
        max_size: int = 100,
        flush_interval_s: float = 5.0,
        capacity: int = 10_000,
        overflow: Overflow = "dead_letter",
        on_dead_letter: OnDeadLetter | None = None,
        dead_letter_file: Path | str | None = None,
    ) -> AsyncEventBuffer:
        """A buffer that sends events in the background; see BufferOptions and DeadLetters."""
        chosen = BufferOptions(max_size, flush_interval_s, capacity, overflow)
        made = AsyncEventBuffer(self, chosen, DeadLetters(on_dead_letter, dead_letter_file))
        self._buffers.append(made)
        return made

    async def send(self, call: Call[R]) -> R:
        """Makes a call of `rocket_learning.calls`. Raises ApiError, TransportError or CircuitOpenError."""
        url = self.settings.base_url + call.path
        with closing(self._conversation(call, url)) as conversation:
            try:
                step = next(conversation)
                while True:
                    step = conversation.send(await self._do(step, call, url))
            except StopIteration as end:
                return cast(R, end.value)

    async def _do(self, step: Step, call: Call[Any], url: str) -> Outcome:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        reading = Reading(self.settings.timeout_s)
        try:
            response = await self._http.send(request_of(self._http, call, url), stream=True)
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    reading.add(chunk)
            return reading.answer(response)
        except (httpx.RequestError, TransportError) as error:
            return transport_error(error)

    async def close(self) -> None:
        """Sends what waits in the client's buffers, and closes its connections."""
        for buffer in self._buffers:
            await buffer.close()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
