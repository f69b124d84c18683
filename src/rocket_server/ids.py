"""Identifiers: UUIDv7 as text, in the order in which one process made them (RFC 9562, section 6.2)."""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_lock = threading.Lock()
_last_ms = 0
_counter = 0
_COUNTER_MAX = (1 << 26) - 1
_POOL_IDS = 512  # whose randomness is asked of the system at once
_pool, _pool_at = "", 0


FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"  # before all that are made
LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"  # behind them


def uuid7() -> str:
    """A new UUIDv7. Later calls in one process sort after earlier ones, also within a millisecond."""
    return uuid7s(1)[0]


def uuid4() -> str:
    """A new UUIDv4: for what must not tell when and in which order it was made, such as the options of a
    question, whose right one authors often write first."""
    return str(uuid.uuid4())


def uuid7s(count: int) -> list[str]:
    """New UUIDv7s in their order, for a set: time and randomness are asked for once for all of them.

    48 bits of Unix milliseconds, a 26-bit counter that starts anew at random in each millisecond
    (method 1 of RFC 9562, 6.2), 48 random bits.
    """
    global _last_ms, _counter
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms = now_ms
            _counter = int(_random_digits(6), 16)
        elif _counter + count > _COUNTER_MAX:
            # The clock stood still or went back, and there is no number left.
            _last_ms += 1
            _counter = 0
        ms, first = _last_ms, _counter + 1
        _counter += count
        noise = _random_digits(12 * count)
    head = f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7"
    # Each event needs several ids; formatting by % takes half the time of an f-string's here.
    return [
        "%s%03x-%04x-%s" % (head, counter >> 14, 0x8000 | counter & 0x3FFF, noise[at : at + 12])  # noqa: UP031
        for counter, at in zip(range(first, first + count), range(0, 12 * count, 12), strict=True)
    ]


def _random_digits(count: int) -> str:
    """Hexadecimal digits made at random, which nobody else is given; to be called with the lock held."""
    global _pool, _pool_at
    if _pool_at + count > len(_pool):
        _pool, _pool_at = os.urandom(max(6 * _POOL_IDS, (count + 1) // 2)).hex(), 0
    _pool_at += count
    return _pool[_pool_at - count : _pool_at]


def _start_anew() -> None:
    global _lock, _pool
    _lock, _pool = threading.Lock(), ""


# A process that was forked would hand out the same digits as its parent.
os.register_at_fork(after_in_child=_start_anew)


def first_uuid7(moment: datetime) -> str:
    """The least id that can have been made at a moment or later: those made before are less."""
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    ms = max(0, min(-(-microseconds // 1000), (1 << 48) - 1))
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-0000-0000-000000000000"


def moment_of(uuid7: str) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=int(uuid7[:8] + uuid7[9:13], 16))


def parse_uuid(text: str) -> str | None:
    """The canonical spelling of a UUID, or None where `text` isn't one."""
    if len(text) != 36:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
