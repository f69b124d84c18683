"""Receivers of deliveries, in a process of their own: one that is well, and three kinds that are dead.

The one that is well answers at once and keeps what it got, to be looked at afterwards. It speaks just enough
HTTP/1.1 to cost little beside a worker.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import psutil
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_WELL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Request:
    """What was received: its headers, the names in lower case, and its body."""

    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, raw: bytes) -> Request:
        head, body = raw.split(b"\r\n\r\n", 1)
        lines = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
        return cls({name.lower(): value for name, value in lines}, body)


@dataclass(slots=True)
class Received:
    """What came since it was last asked for: whole requests at the receiver that is well, and how many at
    those that are broken or silent."""

    well: list[bytes] = field(default_factory=list)
    broken: int = 0
    silent: int = 0


class Receivers:
    """The receivers' process, seen from outside."""

    def __init__(self, pipe: Any, pid: int) -> None:
        self._pipe = pipe
        self.pid = pid
        self._ports: dict[str, int] = self._answer()

    def url(self, name: str) -> str:
        """Where to send to: `well`, `broken` (answers 500), `silent` (never answers) or `refusing`."""
        return f"http://127.0.0.1:{self._ports[name]}/rocket"

    def count(self) -> int:
        """How many requests the receiver that is well has got."""
        self._pipe.send("count")
        return int(self._answer())

    def take(self) -> Received:
        """What came, which they then forget."""
        self._pipe.send("take")
        found = self._answer()
        assert isinstance(found, Received)
        return found

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def _answer(self) -> Any:
        if not self._pipe.poll(_TIMEOUT_S):
            raise RuntimeError("the receivers do not answer")
        return self._pipe.recv()


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Receivers on free ports of 127.0.0.1, until the block ends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        assert process.pid is not None
        yield Receivers(here, process.pid)
    finally:
        process.kill()
        process.join()


def _main(pipe: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_receive(pipe))


async def _receive(pipe: Any) -> None:
    loop = asyncio.get_running_loop()
    received = Received()

    def keep(raw: bytes) -> bytes | None:
        received.well.append(raw)
        return _WELL

    def break_(raw: bytes) -> bytes | None:
        received.broken += 1
        return _BROKEN

    def be_silent(raw: bytes) -> bytes | None:
        received.silent += 1
        return None

    def obey() -> None:
        nonlocal received
        try:
            asked = pipe.recv()
        except EOFError:
            ended.set()
            return
        if asked == "count":
            pipe.send(len(received.well))
        else:
            taken, received = received, Received()
            pipe.send(taken)

    ended = asyncio.Event()
    ports = {}
    for name, answer in (("well", keep), ("broken", break_), ("silent", be_silent)):
        server = await loop.create_server(partial(_Connection, answer), "127.0.0.1", 0, backlog=1024)
        ports[name] = server.sockets[0].getsockname()[1]
    with socket.socket() as bound:  # nobody listens on it, and nobody else can have the port
        bound.bind(("127.0.0.1", 0))
        ports["refusing"] = bound.getsockname()[1]
        loop.add_reader(pipe.fileno(), obey)
        os.set_blocking(pipe.fileno(), True)  # which the loop undid: an answer may be larger than the pipe
        pipe.send(ports)
        await ended.wait()


class _Connection(asyncio.Protocol):
    """One connection; `answer` makes the answer to a whole request, or None for none at all."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._transport: asyncio.Transport
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has another base

    def data_received(self, data: bytes) -> None:
        self._received = received = self._received + data if self._received else data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(received, 0, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        if len(received) >= end:
            self._received = received[end:]
            answer = self._answer(received[:end])
            if answer is not None:
                self._transport.write(answer)
