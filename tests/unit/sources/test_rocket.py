"""Both spellings of an event: what is read from them, and what is said about faulty ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event, dedupe_key
from rocket_server.identities import is_anybodys
from rocket_server.organisations.model import Source
from rocket_server.sources import rocket
from rocket_server.sources.adapter import ReadingContext

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
MINIMAL = {"event": "course.completed", "user_id": "user-123", "timestamp": "2026-01-31T10:15:00Z"}
CANONICAL = {
    "event": "lesson.completed",
    "source": "moodle",
    "occurred_at": "2026-01-31T10:15:00Z",
    "user": {"id": "user-123", "email": "ada@example.org", "external_ids": {"moodle": "8774"}},
    "context": {
        "course": {"id": "course-456", "title": "Algebra"},
        "section": {"id": 7},
        "lesson": {"id": "lesson-789", "title": "Groups"},
    },
    "metrics": {"progress_pct": 75, "time_on_task_sec": 1200},
    "trace": {"request_id": "r-1", "lms_event_id": "42", "lms_eventname": "\\core\\event\\x"},
}
HOOK = Source(
    organisation_id="o", source_id="s", kind="test", name="sandbox", slug="sandbox-1", staff_ids=frozenset()
)


def parse(data: Any, **options: Any) -> Event | list[FieldError]:
    return rocket.parse_event(data, timezone=PARIS, received_at=NOW, **options)


def accepted(data: Any) -> Event:
    event = parse(data)
    assert isinstance(event, Event), event
    return event


def refused(data: Any, **options: Any) -> dict[str, str]:
    errors = parse(data, **options)
    assert isinstance(errors, list)
    assert errors
    return {error.path: error.message for error in errors}


def with_properties(**properties: Any) -> dict[str, Any]:
    return {**MINIMAL, "properties": properties}


def test_the_smallest_event() -> None:
    """An event needs no more than a name, a learner and a time."""
    event = accepted(MINIMAL)
    assert event == Event(
        event="course.completed",
        source="api",
        user_id="user-123",
        occurred_at=datetime(2026, 1, 31, 10, 15, tzinfo=UTC),
        properties={},
        metadata={},
        dedupe_key=event.dedupe_key,
    )
    assert len(event.dedupe_key) == 16


def test_canonical_becomes_flat() -> None:
    """Every part of the canonical spelling has its place in the stored form."""
    event = accepted(CANONICAL)
    assert rocket.flat(event) == {
        "event": "lesson.completed",
        "user_id": "user-123",
        "timestamp": "2026-01-31T10:15:00Z",
        "source": "moodle",
        "properties": {
            "course_id": "course-456",
            "course_title": "Algebra",
            "section_id": "7",
            "lesson_id": "lesson-789",
            "lesson_title": "Groups",
            "progress_pct": 75,
            "time_on_task_sec": 1200,
        },
        "metadata": {"request_id": "r-1", "lms_event_id": "42", "lms_eventname": "\\core\\event\\x"},
    }
    assert event.email == "ada@example.org"
    assert event.identities == ("moodle:8774",)
    assert event.source_event_id == "42"
    assert event.dedupe_key == dedupe_key("moodle", "42")


@pytest.mark.parametrize(
    "body",
    [
        {
            **MINIMAL,
            "properties": {"course_id": "course-456", "progress_pct": 100, "time_on_task_sec": 3600},
        },
        {
            "event": "quiz.completed",
            "user_id": "user-123",
            "timestamp": 1692614400,
            "properties": {"quiz_id": "quiz-456", "score": 85, "time_taken_sec": 1200},
        },
        {
            "event": "lesson.completed",
            "user_id": "user-7",
            "timestamp": "2023-08-21T12:40:00",
            "properties": {"course_id": "course-456", "lesson_id": None, "progress_pct": None},
            "metadata": {"event_id": "evt-789", "source": "moodle"},
        },
        {
            "event": "lesson.completed",
            "user_id": "test-user-123",
            "timestamp": "2026-01-15T10:30:00.000Z",
            "properties": {"course_id": "course-1", "lesson_id": "lesson-1", "progress_pct": 37},
        },
    ],
    ids=["sdk", "php", "csv-script", "event-tester"],
)
def test_bodies_of_the_guide(body: dict[str, Any]) -> None:
    """What the integration guide's own programs send is taken, and encodes to JSON again."""
    event = accepted(body)
    assert None not in event.properties.values()
    assert json.loads(msgspec.json.encode(rocket.flat(event)))["user_id"] == body["user_id"]


@pytest.mark.parametrize("name", ["course.completed", "a.b", "user.logged_in", "a._"])
def test_event_names(name: str) -> None:
    """A domain of letters, a point, an action of letters and underscores."""
    assert accepted({**MINIMAL, "event": name}).event == name


@pytest.mark.parametrize(
    "name",
    [
        *[
            "Course.completed",
            "course",
            "course.",
            ".completed",
            "a.b.c",
            "h5p.done",
            "a_b.c",
            "a.b\n",
            " a.b",
        ],
        *[None, "", 5, True, ["a.b"], {"a": "b"}, "a." + "b" * 99, "a.b\x00", "é.b"],
    ],
)
def test_names_that_are_none(name: Any) -> None:
    """Anything else isn't an event's name, a trailing newline included."""
    assert list(refused({**MINIMAL, "event": name})) == ["event"]


@pytest.mark.parametrize(
    "user_id", ["u", "u" * 255, "moodle:8774", "a b", "Ünï@x.org", "学生", "<x>", "a\\b"]
)
def test_user_ids(user_id: str) -> None:
    """Nearly every text names a learner."""
    assert accepted({**MINIMAL, "user_id": user_id}).user_id == user_id


@pytest.mark.parametrize(
    "user_id",
    [
        *["u" * 256, "a/b", "a\x00", "a\nb", "a\x7f", "a\x85", "\ud800", " a", "a ", "a\u00a0", " "],
        *[None, "", 5, 1.5, True, [], {}, ["u"]],
    ],
)
def test_user_ids_that_are_none(user_id: Any) -> None:
    """What can't stand in a URL's path, or isn't text, names nobody."""
    assert list(refused({**MINIMAL, "user_id": user_id})) == ["user_id"]


def test_a_number_as_user_id_is_shown_as_text() -> None:
    """Whoever sends a number reads how to send it."""
    assert refused({**MINIMAL, "user_id": 123}) == {"user_id": 'must be a string, such as "123"'}


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2026-01-31T10:15:00Z", "2026-01-31T10:15:00Z"),
        ("2026-01-31t10:15:00z", "2026-01-31T10:15:00Z"),
        ("2026-01-31 10:15:00+05:30", "2026-01-31T04:45:00Z"),
        ("2026-01-31T10:15:00-00:00", "2026-01-31T10:15:00Z"),
        ("2026-01-31T10:15:00.5Z", "2026-01-31T10:15:00.500000Z"),
        ("2026-01-31T10:15:00.123456789Z", "2026-01-31T10:15:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2026-01-31T10:15:00", "2026-01-31T09:15:00Z"),
        ("2026-06-30T10:15:00.25", "2026-06-30T08:15:00.250000Z"),
        ("2025-10-26T02:30:00", "2025-10-26T00:30:00Z"),
        ("2025-03-30T02:30:00", "2025-03-30T01:30:00Z"),
        (1692614400, "2023-08-21T10:40:00Z"),
        (1692614400.25, "2023-08-21T10:40:00.250000Z"),
        ("1692614400", "2023-08-21T10:40:00Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
        (946684800, "2000-01-01T00:00:00Z"),
        ("2026-07-02T12:00:00Z", "2026-07-02T12:00:00Z"),
    ],
)
def test_times(given: Any, utc: str) -> None:
    """RFC 3339, wall clocks of the organisation and Unix seconds mean one moment each."""
    event = accepted({**MINIMAL, "timestamp": given})
    assert rocket.flat(event)["timestamp"] == utc
    assert event.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "says"),
    [
        *[(value, "required") for value in (None, "")],
        *[(value, "RFC 3339") for value in (True, [], {}, "now", "2026-01-31", "2026-W05-6T10:15:00Z")],
        *[(value, "RFC 3339") for value in ("2026-01-31T10:15Z", "20260131T101500Z", "2026-01-31T24:00:00Z")],
        *[(value, "RFC 3339") for value in ("2026-01-31T10:15:00Z\n", "2026-01-31T10:15:00+05", "٣" * 10)],
        *[(value, "RFC 3339") for value in (float("nan"), float("inf"), 10**30, "1" * 400)],
        *[(value, "not a time that exists") for value in ("2026-02-30T10:15:00Z", "2026-13-01T00:00:00Z")],
        *[
            (value, "not a time that exists")
            for value in ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00+24:00")
        ],
        *[
            (value, "before the year 2000")
            for value in ("1999-12-31T23:59:59Z", 946684799, 0, -5, "20260131")
        ],
        *[(value, "looks like milliseconds") for value in (1692614400000, 1692614400000.5, "1692614400000")],
        *[(value, "24 h ahead") for value in ("2026-07-02T12:00:01Z", 1783080001, "9999-12-31T23:59:59Z")],
    ],
)
def test_times_that_are_none(given: Any, says: str) -> None:
    """The message says what is wrong with the time."""
    errors = refused({**MINIMAL, "timestamp": given})
    assert list(errors) == ["timestamp"]
    assert says in errors["timestamp"]


def test_the_clock_skew_is_a_setting() -> None:
    """How far ahead a time may lie is given in seconds."""
    ahead = {**MINIMAL, "timestamp": "2026-07-01T12:01:00Z"}
    assert isinstance(parse(ahead, max_ahead_s=60), Event)
    assert refused(ahead, max_ahead_s=59) == {"timestamp": "is more than 59 s ahead of the server's clock"}


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        *[("progress_pct", value, value) for value in (0, 100, 99.5)],
        *[("time_on_task_sec", value, value) for value in (0, 3600, 2**53)],
        ("time_on_task_sec", 12.0, 12),
        *[(name, 123, "123") for name in ("course_id", "lesson_id", "section_id", "quiz_id")],
        *[(name, 5.0, "5") for name in ("attempt_id", "object_id")],
        ("badge_id", 12, "12"),
        ("course_id", "0123", "0123"),
        ("score", 85.5, 85.5),
        ("answers", [1, None, {"a": ""}], [1, None, {"a": ""}]),
        ("passed", False, False),
        ("comment", "two\nlines", "two\nlines"),
        ("size", 2**63 - 1, 2**63 - 1),
    ],
)
def test_properties(name: str, given: Any, stored: Any) -> None:
    """Known properties are brought into their form, the others are kept as they are."""
    properties = accepted(with_properties(**{name: given})).properties
    assert properties == {name: stored}
    assert type(properties[name]) is type(stored)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *[("progress_pct", value) for value in (-1, 100.1, "85", True, [], float("nan"), float("inf"))],
        *[("time_on_task_sec", value) for value in (-1, 1.5, "60", True, {}, 2**63, float("nan"))],
        *[("course_id", value) for value in (True, 1.5, [], {}, "c" * 256, "a\x00", "\udfff", 10**30)],
        *[("note", value) for value in ("a\x00b", "\ud800", 2**63, -(2**63) - 1, float("-inf"), object())],
        *[("x_id", value) for value in (10**30, "\x00")],
    ],
)
def test_properties_that_are_none(name: str, given: Any) -> None:
    """A faulty property is named by its path, once."""
    assert list(refused(with_properties(**{name: given}))) == [f"properties.{name}"]


def test_nothing_is_hidden_deep_inside() -> None:
    """NUL and halves of surrogate pairs are found at every depth, in values and names."""
    errors = refused(
        {
            **MINIMAL,
            "properties": {"a": {"b": [1, "x\x00"]}, "c\x00": 1},
            "metadata": {"d": {"\ud800": 1}},
        }
    )
    assert list(errors) == ["properties.a.b[1]", "properties.c\\x00", "metadata.d.\\ud800"]


@pytest.mark.parametrize("depth", [20, 21, 300])
def test_depth_is_bounded(depth: int) -> None:
    """Twenty objects and lists inside one another are enough."""
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    result = parse(with_properties(deep=value))
    assert isinstance(result, Event) == (depth <= 20)


@pytest.mark.parametrize("place", ["properties", "metadata"])
def test_the_number_of_keys_is_bounded(place: str) -> None:
    """200 keys are taken, 201 aren't."""
    accepted({**MINIMAL, place: {f"k{i}": i for i in range(200)}})
    assert list(refused({**MINIMAL, place: {f"k{i}": i for i in range(201)}})) == [place]


def test_absent_is_absent() -> None:
    """Null and the empty text are the same as a field that wasn't sent; PHP's empty list is an object."""
    spelled = {
        **MINIMAL,
        **{"source": "", "event_id": None, "id": "", "occurred_at": None, "user": None},
        "properties": {"course_id": "", "progress_pct": None, "time_on_task_sec": "", "free": None},
        "metadata": {"event_id": "", "source": None},
    }
    assert accepted(spelled) == accepted(MINIMAL)
    assert accepted({**MINIMAL, "properties": [], "metadata": [], "context": []}) == accepted(MINIMAL)
    assert refused({**MINIMAL, "properties": [1], "metadata": "x"}) == {
        "properties": "must be an object",
        "metadata": "must be an object",
    }


def test_the_body_is_not_changed() -> None:
    """Reading leaves what was read as it was."""
    body = json.loads(json.dumps({**CANONICAL, "properties": {"object_id": 5, "x": None}, "more": 1}))
    before = json.dumps(body)
    accepted(body)
    assert json.dumps(body) == before


@pytest.mark.parametrize("body", [None, [], "x", 5, True, [MINIMAL]])
def test_a_body_that_is_no_object(body: Any) -> None:
    """Only an object can be an event; in a batch the error names the item."""
    assert refused(body) == {"": "must be an object"}
    assert refused(body, path="events[3].") == {"events[3]": "must be an object"}


def test_all_errors_at_once_under_their_own_names() -> None:
    """One answer names every faulty field, as it was spelled, behind the path of the item."""
    flat_errors = refused({"event": "X", "properties": {"progress_pct": 101}}, path="events[3].")
    assert list(flat_errors) == [
        "events[3].event",
        "events[3].user_id",
        "events[3].timestamp",
        "events[3].properties.progress_pct",
    ]
    canonical_errors = refused(
        {
            "event": "a.b",
            "occurred_at": "soon",
            "user": {"id": "a/b", "email": "nobody", "external_ids": {"moodle": "x/y", "a:b": "1"}},
            "context": {"course": {"id": True}, "lesson": {"data": ["\x00"]}},
            "metrics": {"progress_pct": -1},
            "trace": {"lms_event_id": {}},
            "extra": "\x00",
        }
    )
    assert set(canonical_errors) == {
        *["occurred_at", "user.id", "user.email", "user.external_ids.moodle", "user.external_ids.a:b"],
        *[
            "context.course.id",
            "context.lesson.data[0]",
            "metrics.progress_pct",
            "trace.lms_event_id",
            "extra",
        ],
    }


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ({}, ["event", "user_id", "timestamp"]),
        ({"user": {}}, ["event", "user.id", "occurred_at"]),
        ({"occurred_at": None, "user_id": None}, ["event", "user_id", "occurred_at"]),
        ({"user": {"id": ""}, "timestamp": 1692614400}, ["event", "user.id"]),
    ],
)
def test_what_is_missing_is_named_in_the_spelling_used(body: dict[str, Any], missing: list[str]) -> None:
    """A caller of either spelling reads the names that he knows."""
    assert list(refused(body)) == missing


def test_a_mixture_is_taken_unless_it_contradicts_itself() -> None:
    """Both spellings may be mixed; a field sent twice with two values is an error that names both."""
    mixed = {**CANONICAL, "user_id": "user-123", "properties": {"course_id": "course-456", "score": 9}}
    assert accepted(mixed).properties["score"] == 9
    errors = refused({**mixed, "user_id": "other", "timestamp": 1692614400, "properties": {"course_id": "c"}})
    assert errors == {
        "user.id": "contradicts user_id, which is sent as well",
        "occurred_at": "contradicts timestamp, which is sent as well",
        "context.course.id": "contradicts properties.course_id, which is sent as well",
    }


@pytest.mark.parametrize("name", ["user", "context", "metrics", "trace"])
def test_parts_must_be_objects(name: str) -> None:
    """The parts of the canonical spelling are objects."""
    assert refused({**CANONICAL, name: "x"})[name] == "must be an object"


def test_unknown_fields_are_kept_in_metadata() -> None:
    """A field of the top level that we don't know is kept, unless metadata has that name already."""
    event = accepted({**MINIMAL, "metadata": {"a": 1}, "a": 2, "b": {"c": 3}, "d": None})
    assert event.metadata == {"a": 1, "b": {"c": 3}}
    assert accepted(
        {**MINIMAL, "context": {"device": "phone", "unit": {"id": 3, "tags": [1]}}}
    ).properties == {
        "device": "phone",
        "unit_id": "3",
        "unit_tags": [1],
    }


@pytest.mark.parametrize(
    ("more", "event_id"),
    [
        ({"event_id": "a", "metadata": {"event_id": "b"}, "id": "c"}, "a"),
        ({"event_id": None, "metadata": {"event_id": "b"}, "id": "c"}, "b"),
        ({"event_id": "", "metadata": {"event_id": ""}, "id": "c"}, "c"),
        ({"id": 42}, "42"),
        ({"event_id": 42.0}, "42"),
        ({"metadata": {"event_id": 7}}, "7"),
        ({"trace": {"lms_event_id": 9}, "id": "c"}, "9"),
        ({"trace": {"lms_event_id": 9}, "event_id": "a"}, "a"),
        ({"event_id": "i" * 255}, "i" * 255),
    ],
)
def test_the_callers_id(more: dict[str, Any], event_id: str) -> None:
    """One of several places gives the caller's id, and with the source it makes the dedupe key."""
    event = accepted({**MINIMAL, **more})
    assert event.source_event_id == event_id
    assert event.dedupe_key == dedupe_key("api", event_id)


@pytest.mark.parametrize("value", ["i" * 256, "\x00", "\ud800", True, 1.5, [], {}, 10**30])
@pytest.mark.parametrize("name", ["event_id", "id"])
def test_ids_that_are_none(name: str, value: Any) -> None:
    """An id that can't be kept is an error; it is never left out in silence."""
    assert list(refused({**MINIMAL, name: value})) == [name]
    assert list(refused({**MINIMAL, "metadata": {"event_id": value}})) == ["metadata.event_id"]


def test_without_an_id_the_content_counts() -> None:
    """Same user, event, time and properties are one event; the order of keys and the rest don't matter."""
    first = {**with_properties(a=1, b="x"), "metadata": {"request": 1}}
    again = {**with_properties(b="x", a=1, c=None), "timestamp": 1769854500, "metadata": {"request": 2}}
    key = accepted(first).dedupe_key
    assert accepted(again).dedupe_key == key
    others = [
        {**first, "user_id": "other"},
        {**first, "event": "course.started"},
        {**first, "timestamp": "2026-01-31T10:15:01Z"},
        {**first, "properties": {"a": 2, "b": "x"}},
        {**first, "source": "moodle"},
        {**first, "event_id": "user-123"},
    ]
    assert len({key, *(accepted(other).dedupe_key for other in others)}) == 7


@pytest.mark.parametrize(
    ("more", "source"),
    [
        ({}, "api"),
        ({"source": "moodle"}, "moodle"),
        ({"metadata": {"source": "moodle"}}, "moodle"),
        ({"source": "a", "metadata": {"source": "b"}}, "a"),
        ({"source": None, "metadata": {"source": "b"}}, "b"),
    ],
)
def test_the_source(more: dict[str, Any], source: str) -> None:
    """The source is what the caller says, or `api`; kind and learner stay the API's."""
    event = accepted({**MINIMAL, **more})
    assert (event.source, event.source_kind, event.user_id) == (source, "api", "user-123")


@pytest.mark.parametrize("value", ["s" * 101, "a\n", " a", 5, True, [], "\ud800"])
def test_sources_that_are_none(value: Any) -> None:
    """A source's name is short and printable."""
    assert list(refused({**MINIMAL, "source": value})) == ["source"]
    assert list(refused({**MINIMAL, "metadata": {"source": value}})) == ["metadata.source"]


@pytest.mark.parametrize(
    ("name", "lesson", "state"),
    [
        ("lesson.completed", "l1", "completed"),
        ("lesson.reopened", "l1", "reopened"),
        ("lesson.completed", None, None),
        ("lesson.viewed", "l1", None),
        ("course.completed", "l1", None),
    ],
)
def test_statements_of_completion(name: str, lesson: str | None, state: str | None) -> None:
    """A lesson's completion can be taken back, where it is said which lesson."""
    event = accepted({**with_properties(lesson_id=lesson), "event": name})
    assert event.completion == state
    assert event.sequence == 0


@pytest.mark.parametrize(
    ("given", "identities"),
    [
        ({"moodle": "8774", "sis": 12, "x": None}, ("moodle:8774", "sis:12")),
        (["moodle:8774", "sis:a:b", "moodle:8774", ""], ("moodle:8774", "sis:a:b")),
        ({}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_external_ids(given: Any, identities: tuple[str, ...]) -> None:
    """A person's ids in other sources, as an object or a list."""
    assert accepted({**MINIMAL, "user": {"external_ids": given}}).identities == identities


@pytest.mark.parametrize(
    "given", ["x", 5, ["8774"], [":1"], ["a:"], [5], {"": "1"}, {"a": "b/c"}, {"a": True}, ["a:1"] * 21]
)
def test_external_ids_that_are_none(given: Any) -> None:
    """A faulty identity is an error: a person linked wrongly is worse than one not linked."""
    (path,) = refused({**MINIMAL, "user": {"external_ids": given}})
    assert path.startswith("user.external_ids")


@pytest.mark.parametrize("email", ["a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\x00", 5, "a@" + "b" * 253])
def test_addresses_that_are_none(email: Any) -> None:
    """An address has one @ and no blanks."""
    assert list(refused({**MINIMAL, "user": {"email": email}})) == ["user.email"]


@pytest.mark.parametrize(
    "more",
    [
        {"properties": {"deep": {f"k{i}": "\x00" for i in range(5_000)}}},
        {
            "properties": {f"x_{i}": 1 for i in range(5_000)},
            "context": {"x": {str(i): 2 for i in range(5_000)}},
        },
        {f"field{i}": "\x00" for i in range(5_000)},
        {"metrics": {f"k{i}": "\x00" for i in range(5_000)}},
        {"context": {"k" * 10_000: {str(i): "\x00" for i in range(5_000)}}},
        {"properties": {"k" * 10_000: ["\x00"] * 5_000}},
    ],
    ids=["deep", "contradictions", "unknown", "metrics", "long-part", "long-list"],
)
def test_errors_are_bounded(more: dict[str, Any]) -> None:
    """A body with thousands of faults gets a bounded answer with bounded paths."""
    errors = refused({**MINIMAL, **more})
    assert len(errors) <= 100
    assert max(len(path) for path in errors) < 1_000


def test_a_hooks_learner_belongs_to_its_source() -> None:
    """A hook in our own spelling names its platform's learners, whatever source the body claims."""
    body = {**CANONICAL, "properties": {"x": 1}}
    event = rocket.read(body, ReadingContext(HOOK, PARIS, NOW))
    assert (event.user_id, event.source, event.source_kind) == ("sandbox:user-123", "sandbox", "test")
    assert event.dedupe_key == dedupe_key("sandbox", "42")
    assert event.received == body
    assert (event.completion, event.email) == ("completed", "ada@example.org")
    without_id = rocket.read(MINIMAL, ReadingContext(HOOK, PARIS, NOW))
    assert without_id.dedupe_key != accepted(MINIMAL).dedupe_key


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        ({**MINIMAL, "user_id": "u" * 255}, "user_id"),
        ({**CANONICAL, "user": {"id": "u" * 250}}, "user.id"),
        ({**CANONICAL, "user": {"id": "u", "name": "\x00"}}, "user.name"),
        ({**MINIMAL, "event": "x"}, "event"),
    ],
)
def test_a_hook_refuses(body: Any, field: str) -> None:
    """A hook's body that can't be read or can't be kept is refused with the field at fault."""
    with pytest.raises(InvalidPayload) as refusal:
        rocket.read(body, ReadingContext(HOOK, PARIS, NOW))
    assert refusal.value.details["field"] == field


# Arbitrary decoded JSON, with what JSON forbids but a lenient decoder would let through.
TEXT = st.text(st.characters(codec=None), max_size=8)
KEYS = TEXT | st.sampled_from(
    [
        *["event", "user_id", "timestamp", "properties", "metadata", "event_id", "id", "source"],
        *["occurred_at", "user", "context", "metrics", "trace", "external_ids", "email"],
        *["course", "lesson", "course_id", "progress_pct", "time_on_task_sec", "lms_event_id"],
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def check_result(result: Event | list[FieldError]) -> None:
    if isinstance(result, Event):
        encoded = json.dumps(rocket.flat(result), allow_nan=False, ensure_ascii=False).encode()
        assert b"\\u0000" not in encoded
        assert len(result.dedupe_key) == 16
    else:
        assert result
        msgspec.json.encode([error.as_dict() for error in result])


@given(JSON)
def test_no_json_raises(data: Any) -> None:
    """Whatever is sent, the answer is an event or at least one error, and either can be written out."""
    check_result(parse(data, path="events[0]."))


@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_no_addition_to_a_good_event_raises(more: dict[str, Any]) -> None:
    """The same for a good event with something strange in it."""
    check_result(parse({**MINIMAL, **more}))
    check_result(parse({**CANONICAL, **more}))
    check_result(parse(with_properties(**more)))


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)


@given(
    user_id=IDS,
    ids=st.dictionaries(st.sampled_from(["course", "section", "lesson"]), IDS),
    progress=st.floats(0, 100),
    seconds=st.integers(0, 10**6),
    when=st.datetimes(datetime(2000, 1, 2), datetime(2026, 6, 30)),  # noqa: DTZ001
    event_id=IDS.filter(lambda one: not is_anybodys(one)),
)
def test_both_spellings_mean_the_same(
    user_id: str, ids: dict[str, str], progress: float, seconds: int, when: datetime, event_id: str
) -> None:
    """An event in canonical spelling is the event that its flat spelling is, key and all."""
    moment = when.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata")).isoformat()
    canonical = {
        **{"event": "lesson.completed", "source": "lms", "occurred_at": moment, "user": {"id": user_id}},
        "context": {name: {"id": value, "title": value} for name, value in ids.items()},
        "metrics": {"progress_pct": progress, "time_on_task_sec": seconds},
        "trace": {"lms_event_id": event_id, "request_id": "r"},
    }
    spelled_flat = {
        **{"event": "lesson.completed", "user_id": user_id, "timestamp": moment, "id": event_id},
        "properties": {
            **{f"{name}_id": value for name, value in ids.items()},
            **{f"{name}_title": value for name, value in ids.items()},
            **{"progress_pct": progress, "time_on_task_sec": seconds},
        },
        "metadata": {"lms_event_id": event_id, "request_id": "r"},
        "source": "lms",
    }
    one, other = accepted(canonical), accepted(spelled_flat)
    assert rocket.flat(one) == rocket.flat(other)
    assert one.dedupe_key == other.dedupe_key
    assert accepted(rocket.flat(one)).occurred_at == one.occurred_at


def test_a_wall_clock_is_the_organisations() -> None:
    """The same text is another moment in another organisation's zone."""
    body = {**MINIMAL, "timestamp": "2026-01-31T10:15:00"}
    event = rocket.parse_event(body, timezone=ZoneInfo("Asia/Tokyo"), received_at=NOW)
    assert isinstance(event, Event)
    assert accepted(body).occurred_at - event.occurred_at == timedelta(hours=8)


def test_long_names_are_not_remembered():
    """What is remembered of names that were asked for takes no more memory than so many names may."""
    before = rocket._is_event_name.cache_info().currsize
    for name in ("a." + "b" * 100_000, "no name " * 10_000):
        assert isinstance(
            rocket.parse_event({**MINIMAL, "event": name}, timezone=PARIS, received_at=NOW), list
        )
    assert rocket._is_event_name.cache_info().currsize == before
