"""The bytes of a file as they come, unpacked and in UTF-8 where that can be told from their first ones. Pure.

Gzip is known by its first two bytes, UTF-16 and UTF-8 with a mark by theirs. Without a mark a file is UTF-8
if all of it is, which is known at its end, else Windows-1252, which spreadsheets still write.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from typing import Final

from rocket_server.errors import InvalidPayload, PayloadTooLarge

PIECE_BYTES: Final = 256 * 1024  # that is handed on at once, at most

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS
_SLICE: Final = 16 * 1024  # what zlib copies where a member ends
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8 with a mark", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_LONGEST_MARK: Final = max(len(mark) for mark, _, _ in _MARKS)


class Unpacked:
    """Feed it a file; it answers the bytes to keep. After `end`, `encoding` says what they are: `utf-8`,
    `utf-8 with a mark` and `utf-16` are kept as UTF-8 without a mark, `windows-1252` as it is."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is what the file may have, unpacked."""
        self._max_bytes = max_bytes
        self._size = 0
        self._head = b""
        self._is_begun = False
        self._packed = False
        self._member: zlib._Decompress | None = None
        self._start: bytes | None = b""  # until there is enough to see a mark
        self._mark: str | None = None
        self._recode: codecs.IncrementalDecoder | None = None
        self._check: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    @property
    def encoding(self) -> str:
        """What the file turned out to be."""
        return self._mark or ("windows-1252" if self._check is None else "utf-8")

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes of the file become. Raises PayloadTooLarge, or InvalidPayload where they aren't
        whole gzip or UTF-16."""
        if not self._is_begun:
            self._head += data
            if len(self._head) < 2:
                return
            data, self._head, self._is_begun = self._head, b"", True
            self._packed = data.startswith(_GZIP_MAGIC)
        for plain in self._gunzip(data) if self._packed else _slices(data):
            self._size += len(plain)
            if self._size > self._max_bytes:
                raise PayloadTooLarge(
                    f"It has more than {self._max_bytes} bytes. Split it, or raise ROCKET_MAX_IMPORT_BYTES.",
                    {"limit_bytes": self._max_bytes},
                )
            yield from self._in_utf8(plain)

    def end(self) -> Iterator[bytes]:
        """What is left when the file has ended; raises as `feed` does."""
        if not self._is_begun and self._head:
            self._is_begun = True
            yield from self._in_utf8(self._head)
        if self._member is not None:
            raise InvalidPayload("The gzip file is cut off.", {"field": "file"})
        yield from self._in_utf8(b"", final=True)

    def _gunzip(self, data: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(data), _SLICE):
                piece = data[start : start + _SLICE]
                while piece:
                    if self._member is None:
                        self._member = zlib.decompressobj(_GZIP)
                    yield self._member.decompress(piece, PIECE_BYTES)
                    piece = self._member.unconsumed_tail or self._member.unused_data
                    if self._member.eof:
                        self._member = None
                    elif not piece:
                        while plain := self._member.decompress(b"", PIECE_BYTES):
                            yield plain
        except zlib.error as error:
            raise InvalidPayload(
                "The file begins as gzip does, and isn't whole gzip.", {"field": "file"}
            ) from error

    def _in_utf8(self, data: bytes, *, final: bool = False) -> Iterator[bytes]:
        if self._start is not None:
            data = self._start + data
            if len(data) < _LONGEST_MARK and not final:
                self._start = data
                return
            self._start = None
            for mark, name, codec in _MARKS:
                if data.startswith(mark):
                    self._mark, data = name, data[len(mark) :]
                    self._recode = codecs.getincrementaldecoder(codec)()
                    break
        try:
            if self._recode is not None:
                data = self._recode.decode(data, final).encode()
            elif self._check is not None:
                self._check.decode(data, final)
        except UnicodeError as error:
            if self._recode is not None:
                raise InvalidPayload(
                    f"The file begins as {self._mark} does, and isn't.", {"field": "file"}
                ) from error
            self._check = None
        if data:
            yield data


def _slices(data: bytes) -> Iterator[bytes]:
    if len(data) <= PIECE_BYTES:
        yield data
    else:
        yield from (data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))
