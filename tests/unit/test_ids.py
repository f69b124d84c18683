"""Identifiers: their order, their form and what stands in them."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rocket_server import ids
from rocket_server.ids import first_uuid7, parse_uuid, uuid7, uuid7s


def test_ids_are_uuids_of_version_7():
    """Version, variant and time are where RFC 9562 has them, in one's own spelling."""
    before = time.time_ns() // 1_000_000
    for text in (uuid7(), *uuid7s(3)):
        made = uuid.UUID(text)
        assert (made.version, made.variant, str(made)) == (7, uuid.RFC_4122, text)
        assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_later_ids_sort_after_earlier_ones():
    """Single ids and sets of them, in the order of their making."""
    made = [uuid7(), *uuid7s(2_000), uuid7(), *uuid7s(1), *uuid7s(0), *uuid7s(70), uuid7()]
    assert made == sorted(set(made))
    assert len(made) == 2_074


def test_ids_go_on_where_the_clock_went_back_and_numbers_ran_out(monkeypatch):
    """A clock that is set back, and a millisecond whose numbers are used up, change nothing in the order."""
    made = [uuid7()]
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    made += uuid7s(5)
    monkeypatch.setattr(ids, "_counter", ids._COUNTER_MAX - 3)
    made += [*uuid7s(3), uuid7(), *uuid7s(3)]
    monkeypatch.setattr(ids, "_counter", ids._COUNTER_MAX - 3)
    made += uuid7s(10)
    assert made == sorted(set(made))


def test_a_forked_process_makes_other_ids():
    """Parent and child draw their random digits apart, also where time and counter are alike."""
    uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, "".join(text[-12:] for text in uuid7s(100)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 1200).decode()
    os.close(reading), os.close(writing)
    assert len(told) == 1200
    assert not {told[at : at + 12] for at in range(0, 1200, 12)} & {text[-12:] for text in uuid7s(100)}


def test_threads_make_different_ids():
    """Threads share the counter."""
    with ThreadPoolExecutor(8) as pool:
        made = [text for texts in pool.map(uuid7s, [500] * 40) for text in texts]
    assert len(set(made)) == 20_000


def test_parse_uuid_takes_the_canonical_spelling():
    """Only text that PostgreSQL and we spell alike; case doesn't matter."""
    made = uuid7()
    assert parse_uuid(made) == made
    assert parse_uuid(made.upper()) == made
    assert parse_uuid(made.replace("-", "")) is None
    assert parse_uuid("x" * 36) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_first_id_of_a_moment(moment):
    """It is above all ids of the milliseconds before, and below all of that millisecond and later."""
    ms = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    begins_later = moment.microsecond % 1000 > 0
    first = first_uuid7(moment)
    assert first < f"{(ms + begins_later) >> 16:08x}-{(ms + begins_later) & 0xFFFF:04x}-7"
    assert ms == 0 or first > f"{(ms - 1) >> 16:08x}-{(ms - 1) & 0xFFFF:04x}-8fff-bfff-ffffffffffff"
