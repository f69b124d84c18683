"""Whatever arrives, the Moodle adapter answers with an event or with InvalidPayload."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rocket_server import sources
from rocket_server.catalogue import load
from rocket_server.errors import InvalidPayload
from rocket_server.events.model import Event
from rocket_server.organisations.model import Filters, Source
from rocket_server.sources import moodle
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.moodle_fields import ENCODING, PLAIN, URL_ENCODED

SOURCE = Source("o", "s", "moodle", "moodle", "x", filters=Filters(visible=True, exclude_suspended=True))
CONTEXT = ReadingContext(SOURCE, ZoneInfo("UTC"), datetime(2026, 11, 21, tzinfo=UTC))
NAMES = [
    *("id", "eventname", "userid", "relateduserid", "realuserid", "courseid", "objectid", "timecreated"),
    *("contextlevel", "contextinstanceid", "other", "other_", "other_completionstate", "_values", "ip"),
    *("email", "shortname", "learner_id", "learner_email", "course_id", "course_shortname", "other_score"),
]
texts = st.text(max_size=30) | st.characters(categories=["Cs"]) | st.just("\x00")
numbers = st.integers() | st.floats()
values = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | texts
    | st.sampled_from(["3", "1795218748", "0", "-1", "%5C", "{x}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
bodies = st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=12)
stored = st.builds(
    lambda fields, encoding: {**fields, ENCODING: encoding},
    st.dictionaries(st.sampled_from(NAMES), st.text(min_size=1, max_size=5), max_size=8),
    st.sampled_from([URL_ENCODED, PLAIN]),
)
names = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="{}%")
readable = st.fixed_dictionaries(
    {
        "id": st.integers(0, 10**17).map(str),
        "eventname": st.sampled_from(sorted(load())) | st.text(names, min_size=1, max_size=40),
        "timecreated": st.integers(946684800, 1795219200).map(str),
        "userid": st.integers(-2, 50).map(str),
    }
)


def read_or_refuse(fields: dict[str, Any]) -> Event | None:
    with suppress(InvalidPayload):
        return moodle.read(fields, CONTEXT)
    return None


@given(bodies)
def test_arbitrary_fields(fields):
    """A dictionary of anything is refused with InvalidPayload, or has a learner or a reason."""
    event = read_or_refuse(fields)
    assert event is None or event.user_id or event.ignored


@given(readable, bodies)
def test_readable_event_among_arbitrary_fields(required, more):
    """An event that is read keeps texts only, and is the same when they are read again."""
    event = read_or_refuse({**more, **required})
    if event is not None:
        assert moodle.reread(event.received, CONTEXT) == event
        assert all(isinstance(value, str) for value in event.received.values())


@given(readable)
def test_event_with_its_required_fields_is_never_refused(required):
    """The four required fields are enough, whatever the event's name."""
    assert moodle.read(required, CONTEXT).source_event_id == required["id"]


@given(stored, stored)
def test_merged_fields_are_those_of_both(one, two):
    """Merging loses no field, whichever copy came first, and merging again changes nothing."""
    merged = moodle.merge(one, two)
    assert merged.keys() == one.keys() | two.keys()
    assert all(merged[name] in {one.get(name), two.get(name)} for name in merged)
    assert moodle.merge(merged, merged) == merged


@given(st.binary(max_size=300))
def test_arbitrary_bytes(raw):
    """A body of anything is read, or refused with InvalidPayload."""
    with suppress(InvalidPayload):
        assert sources.read(raw, "application/json", CONTEXT).event
