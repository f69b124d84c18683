"""Unpacks gzip: in work that is linear in bytes in and out, and large bodies beside the loop."""

from __future__ import annotations

import asyncio
import zlib
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

from rocket_server.errors import InvalidPayload, PayloadTooLarge
from rocket_server.http.edge.room import Hold

MAX_MEMBERS = 64  # of one body; what packs a stream in pieces makes a few, and each costs as much as its head
_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 64 * 1024  # what zlib has to copy where a member ends
_AT_ONCE = 64 * 1024  # bytes in, and four times as many out, take less time than waking a thread twice
_THREADS = 2


class Unpacker:
    """Threads that unpack large bodies; one sender's one after the other."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "unpack")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def gunzip(self, body: bytes, limit: int, hold: Hold) -> bytes:
        """A gzipped body unpacked; `hold` then has its size as well. Raises PayloadTooLarge beyond `limit`
        bytes, InvalidPayload where it isn't whole gzip, Unavailable where there is no room for it."""
        unpacked: bytes | None = None
        if len(body) <= _AT_ONCE:
            unpacked = _gunzip(body, min(limit, 4 * _AT_ONCE))
            if unpacked is None and limit <= 4 * _AT_ONCE:
                raise too_large(limit)
        if unpacked is not None:
            hold.take(len(unpacked))
            return unpacked
        turn = self._turns.setdefault(hold.sender, asyncio.Lock())
        async with turn:
            hold.take(limit)  # nobody knows what it will be
            unpacked = await asyncio.get_running_loop().run_in_executor(self._threads, _gunzip, body, limit)
        if unpacked is None:
            raise too_large(limit)
        hold.give(limit - len(unpacked))
        return unpacked

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit} bytes.", {"limit_bytes": limit})


def _gunzip(body: bytes, limit: int) -> bytes | None:
    """A gzipped body unpacked, one member or several; None where it is more than `limit` bytes."""
    unpacked = bytearray()
    member: zlib._Decompress | None = None
    members = 0
    view = memoryview(body)
    try:
        for start in range(0, len(body), _PIECE):
            piece: bytes | memoryview = view[start : start + _PIECE]
            while piece:
                if member is None:
                    members += 1
                    if members > MAX_MEMBERS:
                        raise InvalidPayload(
                            f"The gzip body has more than {MAX_MEMBERS} members.",
                            {"field": "Content-Encoding", "limit_members": MAX_MEMBERS},
                        )
                    member = zlib.decompressobj(_GZIP)
                unpacked += member.decompress(piece, limit + 1 - len(unpacked))
                if len(unpacked) > limit:
                    return None
                piece = member.unused_data
                if member.eof:
                    member = None
    except zlib.error as error:
        raise InvalidPayload(
            "The body is not gzip, as Content-Encoding says.", {"field": "Content-Encoding"}
        ) from error
    if member is not None:
        raise InvalidPayload("The gzip body is cut off.", {"field": "Content-Encoding"})
    return bytes(unpacked)
