"""Receivers of webhooks on real sockets, well-behaved and not: each says byte by byte what it answers.

They run on a loop of their own in a thread, so that tests of any kind can watch them:

    with Receivers() as receivers:
        receiver = receivers.open(answers(500))
        ...                                  # deliver to receiver.url
        receiver.behaviour = answers(200)    # it recovers
        receiver.requests                    # what it got, in order
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LINE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived. Names of headers are in lower case; `at` is of `time.monotonic()`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Call:
    """One request with the two ends of its connection."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Write, and wait until the other side has taken most of it."""
        self.writer.write(b"".join(parts))
        await self.writer.drain()


Behaviour = Callable[[Call], Awaitable[bool]]
"""Answers one call; whether the connection goes on afterwards."""


@dataclass(slots=True)
class Receiver:
    """One listening socket. `behaviour` may be changed at any time, for the requests that come then."""

    port: int
    behaviour: Behaviour
    scheme: str = "http"
    host: str = "127.0.0.1"
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/hook"

    def wait_for(self, requests: int, within_s: float = 60) -> list[Request]:
        """The requests so far, as soon as there are that many; fails where there never are."""
        deadline = time.monotonic() + within_s
        while len(self.requests) < requests:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {requests} requests came"
            time.sleep(0.02)
        return list(self.requests)


class Receivers:
    """Opens receivers, and closes all of them at its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="receivers", daemon=True)
        self._taken: list[socket.socket] = []

    def __enter__(self) -> Receivers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()
        for one in self._taken:
            one.close()

    def open(
        self,
        behaviour: Behaviour,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> Receiver:
        """A receiver that listens on an address of this machine alone."""
        started = self._start(behaviour, host, port, tls)
        return asyncio.run_coroutine_threadsafe(started, self._loop).result(30)

    def down(self) -> Receiver:
        """A receiver that isn't there: its port is kept, and nothing listens on it."""
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        self._taken.append(taken)
        return Receiver(taken.getsockname()[1], answers(200))

    async def _start(
        self, behaviour: Behaviour, host: str, port: int, tls: ssl.SSLContext | None
    ) -> Receiver:
        receiver = Receiver(port, behaviour, "https" if tls else "http", host)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            receiver.connections += 1
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError, ValueError):
                while (request := await _read(reader)) is not None:
                    receiver.requests.append(request)
                    if not await receiver.behaviour(Call(request, reader, writer)):
                        break
            writer.close()

        server = await asyncio.start_server(serve, host, port, ssl=tls, limit=_LINE_LIMIT)
        receiver.port = server.sockets[0].getsockname()[1]
        return receiver

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, time.monotonic())


# Those that answer.


def answers(
    status: int, headers: Mapping[str, str] | None = None, body: bytes = b"ok", *, keep: bool = True
) -> Behaviour:
    """Answers at once with a status, headers and a body."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    async def behave(call: Call) -> bool:
        await call.send(head.encode() + b"\r\n" + body)
        return keep

    return behave


def writes(*parts: bytes) -> Behaviour:
    """Sends these bytes, whatever they are, and closes."""

    async def behave(call: Call) -> bool:
        await call.send(*parts)
        return False

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first behaviour for the first request and so on; the last one stays."""
    left = list(behaviours)

    async def behave(call: Call) -> bool:
        return await (left.pop(0) if len(left) > 1 else left[0])(call)

    return behave


def when(condition: Callable[[Request], bool], then: Behaviour, otherwise: Behaviour) -> Behaviour:
    """One behaviour for the requests that meet a condition, and another for the rest."""

    async def behave(call: Call) -> bool:
        return await (then if condition(call.request) else otherwise)(call)

    return behave


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Thinks for so long first."""

    async def behave(call: Call) -> bool:
        await asyncio.sleep(seconds)
        return await behaviour(call)

    return behave


# Those that don't answer.


async def hangs(call: Call) -> bool:
    """Takes the request and says nothing until the other side goes away."""
    await call.reader.read()
    return False


async def closes(call: Call) -> bool:
    """Takes the request and closes the connection."""
    return False


async def resets(call: Call) -> bool:
    """Takes the request and resets the connection."""
    transport = call.writer.transport
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
    return False


def _for_ever(head: bytes, part: bytes, pause_s: float = 0.0) -> Behaviour:
    async def behave(call: Call) -> bool:
        await call.send(head)
        while True:
            await call.send(part)
            await asyncio.sleep(pause_s)

    return behave


# Those that never end, each at full speed or drop by drop.

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

endless_body = _for_ever(_OK + b"\r\n", b"x" * 65_536)
endless_failure = _for_ever(b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 65_536)
endless_chunks = _for_ever(_CHUNKED, b"1\r\nx\r\n" * 5_000)
endless_chunk_extension = _for_ever(_CHUNKED + b"1;", b"x" * 65_536)
endless_header = _for_ever(_OK + b"X-Long: ", b"x" * 65_536)
endless_headers = _for_ever(_OK, b"X-Again: and again\r\n" * 3_000)
endless_reason = _for_ever(b"HTTP/1.1 200 ", b"x" * 65_536)
endless_interim_answers = _for_ever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000)
slow_interim_answers = _for_ever(b"", b"HTTP/1.1 102 Processing\r\n\r\n", pause_s=0.02)
slow_header = _for_ever(_OK + b"X-Slow: ", b"x", pause_s=0.02)
slow_headers = _for_ever(_OK, b"X-Slow: x\r\n", pause_s=0.1)
slow_body = _for_ever(_OK + b"Content-Length: 500\r\n\r\n", b"x", pause_s=0.02)

# Those that say something odd.

garbage = writes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
no_http = writes(b"hello, who is there?")
huge_header = writes(_OK, b"X-Large: ", b"x" * 200_000, b"\r\nContent-Length: 0\r\n\r\n")
many_headers = writes(_OK, b"X-Many: x\r\n" * 5_000, b"Content-Length: 0\r\n\r\n")
two_lengths = writes(_OK, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk")
odd_length = writes(_OK, b"Content-Length: -1\r\n\r\n")
odd_status = writes(b"HTTP/1.1 99999 Very\r\nContent-Length: 0\r\n\r\n")
cut_off = writes(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nonly this")
hints_first = writes(
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", _OK, b"\r\nlate"
)
switches = writes(
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n", b"x" * 9
)
many_answers = writes((_OK + b"Content-Length: 0\r\n\r\n") * 1_000)


def gzip_bomb(unpacked_bytes: int = 256 * 1024 * 1024) -> Behaviour:
    """Answers 200 with a body of some hundred kilobytes that would unpack to this many bytes."""
    packed = _packed(unpacked_bytes)
    return answers(200, {"Content-Encoding": "gzip"}, packed, keep=False)


def _packed(unpacked_bytes: int) -> bytes:
    # Members one after the other are one gzip file, so that the test needs no memory for it either.
    member = gzip.compress(b"\0" * 1024 * 1024)
    return member * (unpacked_bytes // (1024 * 1024))


def requests_by(receiver: Receiver, header: str) -> dict[Any, list[Request]]:
    """The requests of a receiver by one of their headers, such as `webhook-id`."""
    found: dict[Any, list[Request]] = {}
    for request in list(receiver.requests):
        found.setdefault(request.headers.get(header), []).append(request)
    return found
