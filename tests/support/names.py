"""A resolver that a test controls, in place of `socket.getaddrinfo`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any

Rows = list[tuple[int, int, int, str, tuple[Any, ...]]]


class Names:
    """Answers from a table, and remembers what was asked. An unknown name has no address.

    A value is a list of addresses, or a function that is called for each lookup and may block or raise.
    """

    def __init__(self, table: Mapping[str, Iterable[str] | Callable[[], Iterable[str]]]) -> None:
        self.table = dict(table)
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> Rows:
        """Has the form of `socket.getaddrinfo`; numbers for `host` mean what they mean to the system."""
        name = host.decode() if isinstance(host, bytes) else host
        with self._lock:
            self.asked.append(name)
        known = self.table.get(name)
        if known is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_row(address, port) for address in (known() if callable(known) else known)]


def _row(address: str, port: Any) -> tuple[int, int, int, str, tuple[Any, ...]]:
    plain, _, zone = address.partition("%")
    number = int(port or 0)
    if ip_address(plain).version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (plain, number)
    end = (plain, number, 0, int(zone or 0))
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", end
