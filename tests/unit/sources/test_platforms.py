"""LearnWorlds and Thinkific: documented bodies become events, whatever else they hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server import sources
from rocket_server.errors import InvalidPayload
from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources.adapter import ReadingContext
from rocket_server.times import rfc3339
from support.platforms import Sample, samples

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SAMPLES = samples("learnworlds", "thinkific")
BY_NAME = {str(sample): sample for sample in SAMPLES}
PARIS, UTC_ZONE = ZoneInfo("Europe/Paris"), ZoneInfo("UTC")


def source(kind: str, **changes: Any) -> Source:
    return Source("o", "s", kind, kind, "slug", **{"staff_ids": frozenset(), **changes})


def read(kind: str, body: Any, zone: ZoneInfo = UTC_ZONE, **changes: Any) -> Event:
    raw = json.dumps(body).encode()
    return sources.read(raw, "application/json", ReadingContext(source(kind, **changes), zone, NOW))


def changed(body: Any, path: str, value: Any) -> Any:
    """A copy of a body with another value at a dotted path; `...` takes it out."""
    copy = json.loads(json.dumps(body))
    *above, name = path.split(".")
    place = copy
    for part in above:
        place = place[part]
    if value is ...:
        del place[name]
    else:
        place[name] = value
    return copy


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_documented_body_becomes_an_event(sample: Sample) -> None:
    """Each sample has the name, learner, time and properties that are written beside it, and its reason where
    it is ignored; what has no time of its own has that of its
    arrival."""
    event = read(sample.kind, sample.body)
    expected = sample.expected
    assert (event.event, event.user_id) == (expected["event"], expected["user_id"])
    assert rfc3339(event.occurred_at) == expected.get("timestamp", rfc3339(event.occurred_at))
    if "timestamp" not in expected:
        assert event.occurred_at == NOW or event.user_id is None
    assert event.properties == expected["properties"]
    assert (event.ignored or "").split(":")[0] == expected.get("reason", "")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_what_is_stored_is_read_the_same(sample: Sample) -> None:
    """An event that is read again from what is stored of it is the same event."""
    event = read(sample.kind, sample.body)
    assert event.received is not None
    assert not {"signature", "hmac"} & event.received.keys()
    again = sources.reread(
        event.received, ReadingContext(source(sample.kind), ZoneInfo("UTC"), event.occurred_at)
    )
    assert again == event


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_signature_is_no_part_of_an_event(sample: Sample) -> None:
    """A body sent again with another signature inside is the same event."""
    event = read(sample.kind, sample.body)
    signed = {"learnworlds": "signature", "thinkific": "hmac"}[sample.kind]
    assert read(sample.kind, sample.body | {signed: "sha256=00"}).dedupe_key == event.dedupe_key


@pytest.mark.parametrize(
    ("name", "path", "value", "field"),
    [
        ("learnworlds.older.course_completed", "topic", ..., "type"),
        ("learnworlds.older.course_completed", "data", ..., "data"),
        ("learnworlds.older.course_completed", "data", [], "data"),
        ("learnworlds.older.course_completed", "occurred_at", ..., "occurred_at"),
        ("learnworlds.older.course_completed", "occurred_at", "yesterday", "occurred_at"),
        ("learnworlds.older.course_completed", "occurred_at", 1757412345500, "occurred_at"),
        ("learnworlds.older.course_completed", "occurred_at", "2026-07-03T12:00:00Z", "occurred_at"),
        ("learnworlds.older.course_completed", "data.user_id", ..., "data.user.id"),
        ("learnworlds.older.course_completed", "data.user_id", "undefined", "data.user_id"),
        ("learnworlds.older.course_completed", "data.user_id", "a/b", "data.user_id"),
        ("learnworlds.older.course_completed", "data.user_id", "x" * 250, "data.user.id"),
        ("learnworlds.older.course_completed", "data.course_id", ..., "data.course_id"),
        ("learnworlds.older.course_completed", "data.progress", 101, "data.progress"),
        ("learnworlds.older.lesson_completed", "data.lesson_id", "", "data.lesson_id"),
        ("learnworlds.course_completed", "data.completed_at", -5, "data.completed_at"),
        ("learnworlds.course_completed", "data.user.id", {}, "data.user.id"),
        ("learnworlds.course_completed", "data.course", None, "data.course_id"),
        ("thinkific.older.lesson_completed", "topic", ..., "topic"),
        ("thinkific.older.lesson_completed", "created_at", None, "created_at"),
        ("thinkific.lesson_completed", "resource", ..., "topic"),
        ("thinkific.lesson_completed", "id", "null", "id"),
        ("thinkific.lesson_completed", "id", 0, "id"),
        ("thinkific.lesson_completed", "payload", "x", "payload"),
        ("thinkific.lesson_completed", "payload.user", None, "payload.user.id"),
        ("thinkific.lesson_completed", "payload.user.id", "[object Object]", "payload.user.id"),
        ("thinkific.lesson_completed", "payload.user.id", True, "payload.user.id"),
        ("thinkific.lesson_completed", "payload.lesson", {}, "payload.lesson_id"),
        (
            "thinkific.enrollment_progress",
            "payload.percentage_completed",
            "-1",
            "payload.percentage_completed",
        ),
        ("thinkific.enrollment_created", "payload.course_id", [], "payload.course_id"),
        ("thinkific.quiz_attempted", "payload.quiz", ..., "payload.quiz.id"),
        ("thinkific.quiz_attempted", "payload.grade", "good", "payload.grade"),
    ],
)
def test_faults_are_named(name: str, path: str, value: Any, field: str) -> None:
    """What can't be read is refused, and the field is named as the platform sent it."""
    sample = BY_NAME[name]
    with pytest.raises(InvalidPayload) as caught:
        read(sample.kind, changed(sample.body, path, value))
    assert field in [error["path"] for error in caught.value.details["errors"]]


def test_a_time_without_a_zone_is_the_organisations() -> None:
    """A wall clock is that of the organisation's zone."""
    body = BY_NAME["learnworlds.older.enrollment_created"].body
    assert rfc3339(read("learnworlds", body, PARIS).occurred_at) == "2025-08-20T07:00:00Z"


def test_staff_earn_nothing() -> None:
    """A user whom the source lists as staff is ignored with the reason."""
    sample = BY_NAME["thinkific.lesson_completed"]
    event = read("thinkific", sample.body, staff_ids=frozenset({"123456"}))
    assert str(event.ignored).startswith("staff:")


def test_addresses_find_the_learner_elsewhere() -> None:
    """The platform's address is the event's; one that can't be one is left out."""
    assert read("learnworlds", BY_NAME["learnworlds.course_completed"].body).email == "mila@example.org"
    body = BY_NAME["thinkific.lesson_completed"].body
    assert read("thinkific", body).email == "robin@example.org"
    assert read("thinkific", changed(body, "payload.user.email", "[TEST] robin@example.org")).email is None


def test_facts_without_an_id_differ_by_what_they_are_about() -> None:
    """Another course, lesson, learner, time or progress is another event."""
    lesson = BY_NAME["learnworlds.older.lesson_completed"].body
    progress = BY_NAME["thinkific.older.enrollment_progress"].body
    bodies = [
        *(
            ("learnworlds", changed(lesson, f"data.{name}", "other"))
            for name in ("user_id", "course_id", "lesson_id")
        ),
        ("learnworlds", changed(lesson, "occurred_at", "2025-08-22T10:15:30Z")),
        ("learnworlds", lesson),
        ("thinkific", changed(progress, "payload.progress_percentage", 61)),
        ("thinkific", progress),
    ]
    keys = [read(kind, body).dedupe_key for kind, body in bodies]
    assert len(set(keys)) == len(keys)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_breaks_an_adapter(sample: Sample, data: st.DataObject) -> None:
    """Whatever stands in the place of a value, the body becomes an event that can be stored, or is refused in
    words."""
    body = json.loads(json.dumps(sample.body))
    place: Any = body
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[name], dict) and place[name] and data.draw(st.booleans()):
            place = place[name]
            continue
        place[name] = data.draw(JSON)
        break
    adapter = sources.KINDS[sample.kind].adapter
    try:
        event = adapter.read(body, ReadingContext(source(sample.kind), PARIS, NOW))
    except InvalidPayload:
        return
    assert len(event.dedupe_key) == 16
    assert event.user_id is None or event.user_id.startswith(f"{sample.kind}:")
    assert (event.user_id is None) <= (event.ignored is not None)
    json.dumps(event.properties, allow_nan=False)
