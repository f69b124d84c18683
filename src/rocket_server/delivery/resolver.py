"""Finds the addresses of a host and hands out only those that may be called."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from aiohttp.abc import AbstractResolver, ResolveResult

from rocket_server.caches import Cache
from rocket_server.delivery.guard import Network, refusal

LOOKUP_S: Final = 5.0  # for which a delivery waits for a name
FRESH_S: Final = 5.0  # for which an answer is used again
_THREADS: Final = 64
_ADDRESSES: Final = 16  # of one host that are tried
_REMEMBERED: Final = 1024  # hosts

T = TypeVar("T")
Found = list[tuple[int, str]]  # family and address


class Forbidden(Exception):
    """An address may not be called. The message never says what a name leads to."""


class Unresolvable(Exception):
    """A host has no address, or finding one took too long; the message says which."""


class GuardedResolver(AbstractResolver):
    """The resolver of the client: what it checked is what gets called, for nothing resolves a second time.

    A host is looked up once at a time, in a thread of its own, because `getaddrinfo` blocks and can't be
    stopped: a host whose name servers hang holds one thread, however many deliveries wait for it.
    """

    def __init__(self, allow_private: bool, allowed_cidrs: Sequence[Network]) -> None:
        self._allow_private = allow_private
        self._allowed_cidrs = tuple(allowed_cidrs)
        self._threads = asyncio.Semaphore(_THREADS)
        self._lookups: dict[str, asyncio.Task[Found]] = {}
        self._fresh: Cache[str, tuple[float, Found]] = Cache(_REMEMBERED)

    def refusal(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address | str) -> str | None:
        """Why an address may not be called under these settings, in words; None where it may."""
        return None if self._allow_private else refusal(address, self._allowed_cidrs)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises Forbidden if one of them may not be called, or Unresolvable."""
        found = await self._found(host)
        for _, address in found:
            if self.refusal(address) is not None:
                # Which one is nobody's business: whoever may set a URL could map the network behind it.
                raise Forbidden(f"{host} leads to an address that isn't on the public internet")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=of_family,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of_family, address in found[:_ADDRESSES]
            if family in (socket.AF_UNSPEC, of_family)
        ]

    async def close(self) -> None:
        """Let no lookup be waited for any more."""
        for lookup in self._lookups.values():
            lookup.cancel()

    async def _found(self, host: str) -> Found:
        until, found = self._fresh.get(host) or (0.0, [])
        if time.monotonic() < until:
            return found
        lookup = self._lookups.get(host)
        if lookup is None:
            lookup = asyncio.create_task(self._look_up(host))
            self._lookups[host] = lookup
            lookup.add_done_callback(lambda done: self._ended(host, done))
        try:
            # Shielded: others may wait for the same lookup.
            return await asyncio.wait_for(asyncio.shield(lookup), LOOKUP_S)
        except TimeoutError:
            raise Unresolvable(f"{host} couldn't be looked up within {LOOKUP_S:g} s") from None
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if lookup.cancelled() and waiting is not None and not waiting.cancelling():
                raise Unresolvable(f"{host} wasn't looked up any more, the sender was closed") from None
            raise

    async def _look_up(self, host: str) -> Found:
        async with self._threads:
            try:
                rows = await _in_a_thread(
                    lambda: socket.getaddrinfo(
                        host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=_flags()
                    )
                )
            except socket.gaierror as error:
                raise Unresolvable(f"{host} has no address: {error.strerror or error}") from error
            except (OSError, UnicodeError) as error:
                raise Unresolvable(f"{host} couldn't be looked up: {error}") from error
        found = list(dict.fromkeys((int(row[0]), _with_zone(row[4])) for row in rows))
        if not found:
            raise Unresolvable(f"{host} has no address")
        self._fresh.put(host, (time.monotonic() + FRESH_S, found))
        return found

    def _ended(self, host: str, lookup: asyncio.Task[Found]) -> None:
        del self._lookups[host]
        if not lookup.cancelled():
            lookup.exception()  # seen also where nobody waits any more


def _flags() -> int:
    return getattr(socket, "AI_ADDRCONFIG", 0)  # no IPv6 addresses where this machine has none


def _with_zone(address: tuple[Any, ...]) -> str:
    """The address of a socket with its zone, where it has one; such an address is refused."""
    host = str(address[0])
    zone = address[3] if len(address) == 4 else 0
    return f"{host}%{zone}" if zone and "%" not in host else host


async def _in_a_thread(call: Callable[[], T]) -> T:
    """What `call` returns, from a thread that keeps no process from ending, unlike those of an executor."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(finish, result, error)

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await done
