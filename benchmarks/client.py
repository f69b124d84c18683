"""The load generator: a process of its own that sends prepared requests and checks every answer.

It speaks just enough HTTP/1.1 to cost little beside the server: requests are bytes made beforehand, an
answer is read up to its Content-Length and looked at by substring.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psutil
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_POINTS = re.compile(rb'"points_awarded": *(-?[0-9]+)')
_CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What to send. Without `per_second` each connection sends its next request when it has its answer;
    with it, requests are due at a fixed pace whatever the server does (open loop)."""

    ports: Sequence[int]
    requests: Sequence[bytes]
    expect: bytes  # in the body of every good answer
    connections: int
    timeout_s: float
    per_second: float | None = None


@dataclass(slots=True)
class Outcome:
    """What came of a load: seconds from the first request to the last answer, each request's latency."""

    seconds: float = 0.0
    points: int = 0
    cpu_s: float = 0.0
    latencies_s: array[float] = field(default_factory=lambda: array("d"))


class LoadFailed(Exception):
    """An answer was not as expected, a connection broke, or time ran out."""


def request(method: str, path: str, credential: str, body: bytes = b"") -> bytes:
    """A request as bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {credential}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send(load: Load) -> Outcome:
    """Sends a load from another process. Raises LoadFailed where one answer is not as expected."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(there,))
    process.start()
    there.close()
    try:
        here.send(load)
        if not here.poll(load.timeout_s + 30):
            raise LoadFailed("the load generator did not end")
        answer = here.recv()
    except EOFError:
        raise LoadFailed("the load generator died") from None
    finally:
        process.join(5)
        if process.is_alive():
            process.kill()
    if isinstance(answer, str):
        raise LoadFailed(answer)
    assert isinstance(answer, Outcome)
    return answer


def _main(pipe: Any) -> None:
    load = pipe.recv()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            pipe.send(runner.run(_run(load)))
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")


async def _run(load: Load) -> Outcome:
    loop = asyncio.get_running_loop()
    sender = _Sender(load, loop.create_future())
    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
        for number in range(load.connections):
            port = load.ports[number % len(load.ports)]
            _, connection = await loop.create_connection(lambda: _Connection(sender), "127.0.0.1", port)
            sender.connections.append(connection)
    process = psutil.Process()
    before = process.cpu_times()
    started = time.perf_counter()
    async with asyncio.timeout(load.timeout_s):
        if load.per_second:
            await _pace(sender, load.per_second)
        else:
            for connection in sender.connections:
                sender.next(connection)
        await sender.done
    outcome = sender.outcome
    outcome.seconds = time.perf_counter() - started
    after = process.cpu_times()
    outcome.cpu_s = after.user + after.system - before.user - before.system
    for connection in sender.connections:
        connection.close()
    return outcome


async def _pace(sender: _Sender, per_second: float) -> None:
    """Hands out requests at their times; each one's latency counts from when it was due."""
    idle = sender.idle
    idle.extend(sender.connections)
    first = time.perf_counter() + 0.01
    for number, payload in enumerate(sender.load.requests):
        due = first + number / per_second
        while (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
            if sender.done.done():
                return
        if idle:
            idle.popleft().send(payload, due)
        else:
            sender.backlog.append((payload, due))


class _Sender:
    """Hands requests to connections and collects their answers."""

    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        self.load = load
        self.done = done
        self.outcome = Outcome()
        self.connections: list[_Connection] = []
        self.idle: deque[_Connection] = deque()
        self.backlog: deque[tuple[bytes, float]] = deque()
        self._requests = iter(load.requests)

    def next(self, connection: _Connection) -> None:
        if self.load.per_second:
            if self.backlog:
                connection.send(*self.backlog.popleft())
            else:
                self.idle.append(connection)
            return
        payload = next(self._requests, None)
        if payload is not None:
            connection.send(payload, time.perf_counter())

    def answered(self, connection: _Connection, status: bytes, body: bytes, latency_s: float) -> None:
        if status != b"200" or self.load.expect not in body:
            self.fail(f"answer {status.decode()}: {body[:600].decode(errors='replace')}")
            return
        found = _POINTS.search(body)
        outcome = self.outcome
        outcome.points += int(found[1]) if found else 0
        outcome.latencies_s.append(latency_s)
        if len(outcome.latencies_s) == len(self.load.requests):
            if not self.done.done():
                self.done.set_result(None)
        else:
            self.next(connection)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadFailed(why))


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._transport: asyncio.Transport
        self._received = b""
        self._end = 0  # where the answer's body ends; 0 until its head was read
        self._body_at = 0
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has another base

    def send(self, payload: bytes, due: float) -> None:
        self._due = due
        self._transport.write(payload)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received = received = self._received + data if self._received else data
        if not self._end:
            head = received.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(received, 0, head + 2)
            if length is None:
                self._sender.fail("an answer without Content-Length")
                return
            self._body_at = head + 4
            self._end = self._body_at + int(length[1])
        if len(received) >= self._end:
            body = received[self._body_at : self._end]
            self._received, self._end = b"", 0
            self._sender.answered(self, received[9:12], body, time.perf_counter() - self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sender.fail(f"the server closed a connection: {exc}")
