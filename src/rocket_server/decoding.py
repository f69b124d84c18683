"""Decoding of JSON from outside, in a time that others who share the process can wait. Pure."""

from __future__ import annotations

import math
from typing import Final

import msgspec

# Values, and objects and lists, of one event with all that came with it, however it is sent.
MAX_EVENT_PARTS: Final = 20_000


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("Number out of range")
    return number


# By Python's reading of numbers, since the decoder's own takes up to fifty times as long for some, such as
# 2.2250738585072011e-308: four seconds of 16 MiB.
decode = msgspec.json.Decoder(float_hook=_number).decode
# What was decoded once, and is in the database now: its numbers are in range.
decode_stored = msgspec.json.Decoder(float_hook=float).decode


def has_more_parts(body: bytes | msgspec.Raw, most: int) -> bool:
    """Whether JSON has more than `most` values, objects and lists, by its commas and opening brackets.

    What stands in texts is only told apart where there is much of it: nearly always bytes are counted.
    """
    data = bytes(body)
    # Each takes a byte at least, and most bodies are short.
    if len(data) <= most or _parts(data) <= most:
        return False
    data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if data.count(b'"') > 4 * (most + 1):  # at least half of the texts are values
        return True
    return _parts(b"".join(data.split(b'"')[::2])) > most


def _parts(data: bytes) -> int:
    return data.count(b",") + data.count(b"{") + data.count(b"[")
