"""HTTP over bare sockets, for what no well-behaved client would send."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

_PATIENCE_S = 30  # long beyond every time limit that a test sets: a test that waits so long has failed


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The body, in the contract's shape of an error."""
        data: dict[str, Any] = json.loads(self.body)
        assert {"error", "message", "details", "request_id"} <= set(data)
        assert self.headers["x-request-id"] == data["request_id"]
        return data


class Raw:
    """A connection whose bytes a test decides."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        assert target.hostname is not None
        self.socket = socket.create_connection((target.hostname, target.port or 80), timeout=_PATIENCE_S)
        self._left = b""

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def answer(self) -> Answer:
        """The next response; its length has to be told by Content-Length."""
        head = self.head()
        length = int(head.headers.get("content-length", 0))
        while len(self._left) < length:
            self._more()
        body, self._left = self._left[:length], self._left[length:]
        return replace(head, body=body)

    def head(self) -> Answer:
        """The next response as far as its head; all of it, where it answers a HEAD."""
        while b"\r\n\r\n" not in self._left:
            self._more()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(first.split()[1]), headers, b"")

    def is_closed(self) -> bool:
        """Whether the server ends the connection, saying nothing more; waits for it."""
        try:
            return self.socket.recv(1) == b"" and not self._left
        except ConnectionError:
            return True

    def send_until_closed(self, piece: bytes, most: int) -> int:
        """Send `piece` again and again until the server ends the connection; how many bytes it took."""
        sent = 0
        try:
            while sent < most:
                self.socket.sendall(piece)
                sent += len(piece)
        except ConnectionError:
            pass
        return sent

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError(f"closed in the middle of an answer: {self._left[:200]!r}")
        self._left += data


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A well-formed request; underscores in names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body and "Transfer-Encoding" not in named:
        named.setdefault("Content-Length", str(len(body)))
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: test",
        *(f"{name}: {value}" for name, value in named.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
