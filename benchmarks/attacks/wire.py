"""Requests as raw as an attacker sends them, and a word for how each ended."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_PATIENCE_S = 30.0


@dataclass(slots=True)
class Target:
    """The server, the keys that the attacker has, and what came of the attacker's requests so far."""

    port: int
    admin_key: str = ""
    read_key: str = ""
    token: str = ""  # of a Moodle source
    endings: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, which is broken off at the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def raw(self, payload: bytes, *, patience_s: float = _PATIENCE_S) -> str:
        """Sends bytes on a connection of their own, and notes how the server ended it: a status, `closed`
        where it hung up without one, `silent` where neither came in time."""
        ending = "closed"
        try:
            async with asyncio.timeout(patience_s), self.connection() as (reader, writer):
                ending = await _ending(reader, writer, payload)
        except TimeoutError:
            ending = "silent"
        except OSError:
            ending = "closed"
        self.endings[ending] += 1
        return ending

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> str:
        """A well-formed request; its ending, as of `raw`."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.raw(request(method, path, content, key=key or self.admin_key, **headers))

    async def read(self, method: str, path: str, *, key: str) -> str:
        """A request whose answer is read to its end; its ending, as of `raw`."""
        ending, _ = await self._answer(method, path, key)
        self.endings[ending] += 1
        return ending

    async def ask(self, method: str, path: str, body: Any = None, *, key: str) -> Any:
        """What a request is answered, decoded."""
        content = b"" if body is None else json.dumps(body).encode()
        return json.loads((await self._answer(method, path, key, content))[1])

    async def _answer(self, method: str, path: str, key: str, content: bytes = b"") -> tuple[str, bytes]:
        try:
            async with asyncio.timeout(_PATIENCE_S), self.connection() as (reader, writer):
                writer.write(request(method, path, content, key=key))
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1]) if length else 0)
                return head.split(b" ")[1].decode("latin-1"), body
        except TimeoutError:
            return "silent", b"{}"
        except (OSError, asyncio.IncompleteReadError):
            return "closed", b"{}"


def request(
    method: str, path: str, body: bytes = b"", *, key: str = "", length: int | None = None, **headers: str
) -> bytes:
    """A request as bytes; `length` is what it claims where that isn't the body's."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        *([f"Authorization: Bearer {key}"] if key else []),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def many(times: int, work: Callable[[int], Awaitable[Any]], *, at_once: int) -> None:
    """Does `work` with each number below `times`, so many at once."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with gate:
            await work(number)

    await asyncio.gather(*(one(number) for number in range(times)))


async def _ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> str:
    async def write() -> None:
        # In pieces, so that an answer that comes early is seen early.
        with suppress(OSError):
            for start in range(0, len(payload), 1 << 16):
                writer.write(payload[start : start + (1 << 16)])
                await writer.drain()

    writing = asyncio.create_task(write())
    try:
        line = await reader.readline()
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
    return line.split(b" ")[1].decode("latin-1") if line.startswith(b"HTTP/1.") else "closed"
