"""What the audit log keeps of a state."""

from __future__ import annotations

import msgspec
import pytest

from rocket_server.audit.model import MAX_BYTES, Act, Actor, changed, storable, subject_of
from rocket_server.ids import moment_of, uuid7s


def test_only_what_differs_is_told():
    """Of two states the fields that changed, came or went; nothing at all where nothing did."""
    before = {"name": "a", "active": True, "old": 1}
    after = {"name": "b", "active": True, "new": 2}
    (act,) = changed("rule.changed", "rule:x", before, after)
    assert act == Act("rule.changed", "rule:x", {"name": "a", "old": 1}, {"name": "b", "new": 2})
    assert changed("rule.changed", "rule:x", before, dict(before)) == ()


def test_secrets_are_masked_by_name_and_by_form():
    """A secret has no place in the log, however it gets there."""
    kept = storable(
        {
            "token": "t" * 40,
            "settings": {"Authorization": "Bearer abcdefgh"},
            "note": "the key is rk_live_0123456789abcdef",
            "url": "https://anna:secret@example.org/?token=abc",
        }
    )
    said = msgspec.json.encode(kept).decode()
    assert not [word for word in ("tttt", "abcdefgh", "0123456789", "secret@", "=abc") if word in said]


@pytest.mark.parametrize(
    "value",
    [
        {"small": 1, "large": "x" * 100_000},
        {f"field{number}": "x" * 700 for number in range(100)},
        {f"field{number}": number for number in range(50_000)},
        {"n" * 100_000: 1},
        {"nested": {f"field{number}": [number] * 10 for number in range(10_000)}},
        {"text": "\u20ac" * 10_000},
    ],
    ids=["one long field", "many fields", "very many fields", "a long name", "deep", "wide letters"],
)
def test_a_state_is_bounded_in_bytes(value):
    """However large a state is, what is kept of it has at most MAX_BYTES."""
    assert len(msgspec.json.encode(storable(value))) <= MAX_BYTES


def test_the_largest_fields_are_left_out_first():
    """What is small stays readable beside what is too large."""
    kept = storable({"name": "quiz", "large": "x" * 100_000})
    assert kept is not None
    assert kept["name"] == "quiz"
    assert kept["large"].startswith("left out")


def test_who_acts_is_named_in_three_ways():
    """For the log by kind and id, for entries by what is shown, for settings with the name as well."""
    key = Actor("key", "01a1", "rk_live_ab12…", "LMS")
    assert (str(key), key.short, key.signature) == (
        "key:01a1",
        "key:rk_live_ab12…",
        "key:rk_live_ab12… (LMS)",
    )
    command = Actor("command", "root@host", "rocket rules apply")
    assert (str(command), command.short, command.signature) == (
        "command:root@host",
        "rocket rules apply",
        "rocket rules apply",
    )


def test_a_subject_fits_its_column():
    """An id of any length makes a subject that can be stored."""
    assert len(subject_of("course", "x" * 1_000)) == 400


def test_ids_carry_the_time_of_the_act():
    """Later acts have later times, to the millisecond, so that a filter by time is one by id."""
    ids = uuid7s(1_000)
    assert [moment_of(one) for one in ids] == sorted(moment_of(one) for one in ids)
