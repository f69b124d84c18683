"""PNG images of badges: checked and cleaned when they come in, drawn where none was given, baked; pure."""

from __future__ import annotations

import base64
import binascii
import math
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import Any, Final

MAX_BYTES: Final = 512 * 1024
MAX_SIDE_PX: Final = 2_048
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PREFIX: Final = "data:image/png;base64,"
# What is needed to show the picture. The rest (texts, times, places, programs) may tell of somebody.
_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB", b"cHRM", b"iCCP"})
_MEDAL_PX: Final = 256
_PIECE: Final = 1 << 20
_drawing = Lock()  # whoever asks while the first medal is drawn waits for it
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type


class ImageFault(Exception):
    """What was sent is no image that can be used; the message says what is expected."""


def png_of_data_url(value: Any) -> bytes:
    """The PNG in a data URL, without what isn't needed to show it. Raises ImageFault."""
    if not isinstance(value, str) or not value.startswith(_PREFIX):
        raise ImageFault(f"expected a PNG as a data URL: {_PREFIX}…")
    if len(value) > MAX_BYTES * 4 // 3 + 100:
        raise ImageFault(f"expected at most {MAX_BYTES} bytes")
    try:
        data = base64.b64decode(value[len(_PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageFault("expected base64 behind the comma") from error
    return checked(data)


def checked(data: bytes) -> bytes:
    """A PNG that can be shown, cleaned. Raises ImageFault. A large one takes some 100 ms: not for a loop."""
    if len(data) > MAX_BYTES:
        raise ImageFault(f"expected at most {MAX_BYTES} bytes")
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1][0] != b"IEND":
        raise ImageFault("expected a whole PNG, from IHDR to IEND")
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[0][1])
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise ImageFault(f"expected 1 to {MAX_SIDE_PX} pixels on each side, not {width} x {height}")
    if colour not in _SAMPLES or depth not in (1, 2, 4, 8, 16):
        raise ImageFault("expected a PNG of a known colour type")
    # A few bytes more for each line, and for the passes of an interlaced image.
    bound = (width * _SAMPLES[colour] * depth // 8 + 10) * (height + 8) * 2
    if not _unpacks(b"".join(body for kind, body in chunks if kind == b"IDAT"), bound):
        raise ImageFault("expected a PNG with as many pixels as its header says")
    return _png((kind, body) for kind, body in chunks if kind in _KEPT)


def _unpacks(packed: bytes, bound: int) -> bool:
    """Whether pixels unpack to something, and to no more than `bound` bytes; few of them are held at once."""
    unpacker, size = zlib.decompressobj(), 0
    try:
        while size <= bound and not unpacker.eof:
            piece = len(unpacker.decompress(packed, _PIECE))
            packed = unpacker.unconsumed_tail
            if not piece and not packed:
                break
            size += piece
    except zlib.error as error:
        raise ImageFault("expected a PNG whose pixels can be read") from error
    return unpacker.eof and 0 < size <= bound


def baked(png: bytes, credential: str) -> bytes:
    """The image with the credential inside: Open Badges 3.0, 5.3.1, an iTXt chunk `openbadgecredential`."""
    # Keyword, NUL, not compressed, method 0, no language, no translated keyword.
    text = b"openbadgecredential\0\0\0\0\0" + credential.encode()
    header, *rest = _chunks(png)
    return _png([header, (b"iTXt", text), *rest])


def unbaked(png: bytes) -> str | None:
    """The credential in a baked image."""
    for kind, body in _chunks(png):
        if kind == b"iTXt" and body.startswith(b"openbadgecredential\0"):
            return body[len(b"openbadgecredential") + 5 :].decode()
    return None


def drawn(badge_id: str) -> bytes:
    """A plain medal for a badge without an image: a star on a disc whose colour follows from its id.

    The first one takes some 100 ms of computing: not for an event loop."""
    return _medal(sha256(badge_id.encode()).digest()[0])


def _medal(colour: int) -> bytes:
    hue = colour / 256 * 6
    red, green, blue = (
        round(70 + 110 * max(0.0, min(1.0, abs((hue + turn) % 6 - 3) - 1))) for turn in (0, 4, 2)
    )
    palette = bytes(
        (255, 255, 255, red, green, blue, red * 3 // 5, green * 3 // 5, blue * 3 // 5, 255, 250, 235)
    )
    with _drawing:
        pixels = _pixels(_MEDAL_PX)
    return _png(
        [
            (b"IHDR", struct.pack(">IIBBBBB", _MEDAL_PX, _MEDAL_PX, 8, 3, 0, 0, 0)),
            (b"PLTE", palette),
            (b"tRNS", b"\0"),
            (b"IDAT", pixels),
            (b"IEND", b""),
        ]
    )


@cache
def _pixels(side_px: int) -> bytes:
    """The medal without its colours, which are a palette: drawn once for all badges, packed."""
    centre, rows = (side_px - 1) / 2, []
    for y in range(side_px):
        row = bytearray(side_px)
        for x in range(side_px):
            across, up = (x - centre) / centre, (centre - y) / centre
            radius = math.hypot(across, up)
            if radius <= 0.96:
                row[x] = 3 if radius <= _star(math.atan2(across, up)) else 1 if radius <= 0.82 else 2
        rows.append(b"\0" + bytes(row))
    return zlib.compress(b"".join(rows), 9)


def _star(angle: float) -> float:
    """How far a five-pointed star reaches in a direction, clockwise from above in radians; 0.6 at most."""
    fifth = 2 * math.pi / 5
    off = abs((angle + fifth / 2) % fifth - fifth / 2)  # from the nearest point
    # The edge from that point to the notch beside it, as a line in polar coordinates.
    outer, inner = 0.6, 0.25
    edge = math.atan2(inner * math.sin(fifth / 2), outer - inner * math.cos(fifth / 2))
    return outer * math.sin(edge) / math.sin(edge + off)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise ImageFault("expected a PNG")
    position = len(_SIGNATURE)
    while position < len(data):
        if position + 12 > len(data):
            raise ImageFault("expected a whole PNG; this one is cut off")
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise ImageFault("expected a whole PNG; this one is cut off")
        kind, body = data[position + 4 : position + 8], data[position + 8 : end]
        if struct.unpack_from(">I", data, end)[0] != zlib.crc32(kind + body):
            raise ImageFault("expected a PNG whose checksums are right")
        yield kind, body
        if kind == b"IEND":
            return
        position = end + 4


def _png(chunks: Any) -> bytes:
    parts = [_SIGNATURE]
    for kind, body in chunks:
        parts += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))]
    return b"".join(parts)
