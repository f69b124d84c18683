"""Reads what a receiver answered: text that can be stored and shown, and how long to wait. Pure."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from rocket_server.delivery.model import ANSWER_BYTES

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# PostgreSQL takes no NUL, and a terminal may obey the others.
_CONTROLS: Final = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10, 13}, _REPLACEMENT)
_MAX_DIGITS: Final = 9  # thirty years of seconds


def text(content: bytes, encoding: str | None = None) -> str:
    """The first ANSWER_BYTES of a body as text; what isn't UTF-8 is replaced.

    `encoding` is its Content-Encoding. Nothing is unpacked: a few bytes can unpack to gigabytes.
    """
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        return f"(packed as {encoding.strip()[:40].translate(_CONTROLS)}, not shown)" if content else ""
    if len(content) <= ANSWER_BYTES:
        decoded = content.decode("utf-8", "replace")
    else:
        # A character that the bound cuts in two isn't the receiver's mistake.
        decoded = codecs.getincrementaldecoder("utf-8")("replace").decode(content[:ANSWER_BYTES])
    return decoded if decoded.isprintable() else decoded.translate(_CONTROLS)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or a date (RFC 9110, 10.2.3); never negative.

    None where there is none or it can't be read.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _MAX_DIGITS else None
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    try:
        return max(0.0, (when - now).total_seconds())
    except OverflowError:
        return None
