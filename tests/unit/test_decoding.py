"""JSON from outside: the same as ever, at a bounded cost."""

from __future__ import annotations

import json
import time

import msgspec
import pytest

from rocket_server.decoding import decode, decode_stored, has_more_parts


@pytest.mark.parametrize(
    "text",
    [
        "0.1",
        "-0.0",
        "1e23",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "1e-400",
        "12345678901234567890",
    ],
)
def test_a_number_is_the_one_that_was_written(text):
    """Every number is the nearest that there is, also where it comes from the database."""
    for reading in (decode, decode_stored):
        assert repr(reading(f"[{text}]")) == repr(json.loads(f"[{text}]"))


@pytest.mark.parametrize("text", ["1e400", "-1e309", "NaN", "Infinity"])
def test_what_is_no_finite_number_is_refused(text):
    """None of these can be stored."""
    with pytest.raises(msgspec.DecodeError):
        decode(f'{{"a": [{text}]}}')


def test_no_number_costs_much_more_than_another():
    """Numbers that are hard to round take the processor as long as their length allows, not three hundred
    times as long as easy ones."""

    def cost(number: str) -> float:
        body = f"[{','.join([number] * 20_000)}]"
        costs = []
        for _ in range(3):
            started = time.thread_time()
            decode(body)
            costs.append(time.thread_time() - started)
        return min(costs)

    assert cost("1.7976931348623157e308") < 40 * cost("1.5")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"[1,2,3]", 3),
        (b'{"a":{"b":[]}}', 3),
        (b'["a,b,c","d\\",e,"]', 2),
        (b'["\\\\",1,"[[[["]', 3),
    ],
)
def test_parts_are_counted_outside_of_texts(body, parts):
    """Commas and opening brackets count; in texts, also behind escaped quotes, they don't."""
    assert not has_more_parts(body, parts)
    assert has_more_parts(body, parts - 1)
