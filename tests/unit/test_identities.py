"""Ids that tell one thing from others, and those that don't."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rocket_server import identities

# What ids are put together from, and what stands in them where something was missing.
_WORDS = ["undefined", "null", "NULL", "None", "nil", "NaN", "nan", "true", "unknown", "event", "round", "é"]
_OTHERS = ["{id}", "[object Object]", "0", "00000000", "1", "31", "-", ":", "_", ".", "/", " ", "N", "u"]
_PARTS = st.sampled_from([*_WORDS, *_OTHERS])


@given(st.lists(_PARTS, max_size=6).map("".join))
@example("undefined1")
@example("31:null")
@example("1-NaN")
def test_the_short_look_at_an_id_says_what_the_long_one_says(text):
    """An id that is waved through because of its characters would also have passed the look at its parts."""
    assert identities.is_anybodys(text) == identities._is_anybodys(text)


def test_most_ids_need_the_short_look_only():
    """Numbers, UUIDs, and words with a number behind them."""
    for text in ("31", "evt-000123", "event-12", "0193abcd-1234-7abc-8000-abcdefabcdef", "moodle:course:7.2"):
        assert identities._needs_no_look(text)
