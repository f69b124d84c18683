"""Custom sources: a mapping as data reads any platform's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server import sources
from rocket_server.errors import InvalidPayload
from rocket_server.events.model import Event, dedupe_key
from rocket_server.organisations.model import Source
from rocket_server.sources import custom, expressions
from rocket_server.sources.adapter import ReadingContext

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
MAPPINGS: dict[str, Any] = {
    "event": {"from": "$.type", "table": {"done": "course.completed", "7": "quiz.completed"}},
    "user_id": ["$.actor.id", "$.user"],
    "timestamp": "$.at",
    "event_id": "$.id",
    "email": "$.actor.mail",
    "properties": {
        "course_id": "$.course",
        "lesson_id": "$.path.items[1].id",
        "progress_pct": "$.progress",
        "platform": "acme",
        "price": {"const": "$5"},
        "level": {"from": "$.level", "table": {"true": 2, "false": 1}, "default": "$.fallback"},
    },
}
BODY: dict[str, Any] = {
    "type": "done",
    "actor": {"id": 77, "mail": "ada@example.org"},
    "at": "2026-01-31T10:15:00Z",
    "id": "d-1",
    "course": 12,
    "path": {"items": [{"id": "a"}, {"id": "b"}]},
    "progress": "85.5",
    "level": True,
}


def source(mappings: Any) -> Source:
    return Source("o", "s", "custom", "acme", "acme-1", mappings=mappings)


def read(body: Any, mappings: Any = MAPPINGS) -> Event:
    return custom.read(body, ReadingContext(source(mappings), ZoneInfo("Europe/Paris"), NOW))


def refusal(body: Any, mappings: Any = MAPPINGS) -> dict[str, str]:
    with pytest.raises(InvalidPayload) as caught:
        read(body, mappings)
    return {error["path"]: error["message"] for error in caught.value.details["errors"]}


def test_a_mapped_body() -> None:
    """Paths, constants, first-of lists and tables together read a whole body."""
    assert custom.check_mappings(MAPPINGS) == []
    assert read(BODY) == Event(
        event="course.completed",
        source="acme",
        user_id="acme:77",
        occurred_at=datetime(2026, 1, 31, 10, 15, tzinfo=UTC),
        properties={
            "course_id": "12",
            "lesson_id": "b",
            "progress_pct": 85.5,
            "platform": "acme",
            "price": "$5",
            "level": 2,
        },
        metadata={},
        dedupe_key=dedupe_key("acme", "d-1"),
        source_event_id="d-1",
        source_kind="custom",
        email="ada@example.org",
        received=BODY,
    )


def test_the_shortest_mapping() -> None:
    """The example of the documentation: a path for each field."""
    mappings = {
        "event": "$.type",
        "user_id": "$.actor.id",
        "timestamp": "$.at",
        "event_id": "$.id",
        "properties": {"course_id": "$.course"},
    }
    event = read({**BODY, "type": "course.completed"}, mappings)
    assert (event.event, event.user_id, event.properties) == (
        "course.completed",
        "acme:77",
        {"course_id": "12"},
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.type", "done"),
        ("$.actor.id", 77),
        ("$.path.items[0].id", "a"),
        ("$.path.items[2].id", None),
        ("$.path.items.id", None),
        ("$.type.deeper", None),
        ("$.actor[0]", None),
        ("$.nothing", None),
        ("$..type", None),
        ("$.*", None),
        ("$." + "a" * 300, None),
        ("text", "text"),
        (5, 5),
        (False, False),
        (None, None),
        ({"const": "$.type"}, "$.type"),
        (["$.nothing", "$.type", "$.at"], "done"),
        (["$.nothing", "else"], "else"),
        ([], None),
        ({"from": "$.type", "table": {"done": 1}}, 1),
        ({"from": "$.actor.id", "table": {"77": 1}}, 1),
        ({"from": "$.level", "table": {"true": 1}}, 1),
        ({"from": "$.path", "table": {"x": 1}, "default": "d"}, "d"),
        ({"from": "$.at", "table": {"x": 1}, "default": "$.id"}, "d-1"),
        ({"from": "$.at", "table": {"x": 1}}, None),
        ({"from": "$.at", "table": 5}, None),
        ({"odd": 1}, None),
        ([[[[["$.type"]]]]], None),
    ],
)
def test_expressions(expression: Any, value: Any) -> None:
    """Each form of expression says one value, or nothing where it can't."""
    assert expressions.evaluate(expression, BODY) == value


@pytest.mark.parametrize("kind", ["paused", 8, None])
def test_an_event_without_a_name_of_ours_is_kept_and_ignored(kind: Any) -> None:
    """An unmapped event is stored with the reason, so that it can be read again with a better mapping."""
    mappings = {**MAPPINGS, "event": {"from": ["$.type", "$.kind"], "table": {"done": "course.completed"}}}
    body = {"type": kind, "kind": "other", "id": "d-2"}
    event = read(body, mappings)
    assert event.ignored == f"unknown_event: the source's mapping has no event of ours for {kind or 'other'}"
    assert (event.user_id, event.received, event.source_event_id) == (None, body, "d-2")
    assert event.dedupe_key == dedupe_key("acme", "d-2")
    mended = {**mappings, "event": "course.completed", "user_id": "someone", "timestamp": None}
    assert read(body, mended).dedupe_key == event.dedupe_key


@pytest.mark.parametrize("name", ["Course Completed", "done", "a.b\n", 5, {"x": 1}])
def test_a_platforms_own_name_is_unknown(name: Any) -> None:
    """A path straight to a name that isn't in our form finds an unknown event, not an error."""
    event = read({**BODY, "type": name}, {**MAPPINGS, "event": "$.type"})
    assert event.event == custom.UNKNOWN_EVENT
    assert event.ignored is not None
    assert event.ignored.startswith("unknown_event: ")


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"actor": {}}, "$.actor.id or $.user", "required"),
        ({"actor": {"id": True}}, "$.actor.id or $.user", "must be a string"),
        ({"actor": {"id": "a/b"}}, "$.actor.id or $.user", "slash"),
        ({"actor": {"id": "a" * 254}}, "$.actor.id or $.user", "with acme: before it"),
        ({"type": None}, "$.type", "required"),
        ({"at": None}, "$.at", "required"),
        ({"at": "soon"}, "$.at", "RFC 3339"),
        ({"id": {}}, "$.id", "string or a whole number"),
        ({"course": []}, "$.course", "string or a whole number"),
        ({"progress": "101"}, "$.progress", "0 to 100"),
        ({"progress": "most"}, "$.progress", "0 to 100"),
        ({"actor": {"id": 1, "mail": "nobody"}}, "$.actor.mail", "e-mail"),
        ({"unused": ["\x00"]}, "$.unused[0]", "NUL"),
        ({"unused\ud800": 1}, "$.unused\\ud800", "name"),
    ],
)
def test_a_refusal_names_the_place_in_the_body(changes: dict[str, Any], path: str, says: str) -> None:
    """Whoever reads the error finds the field in the platform's body."""
    errors = refusal({**BODY, **changes})
    assert list(errors) == [path]
    assert says in errors[path]


@pytest.mark.parametrize("at", [1769854500000, "1769854500000", 1769854500, "1769854500", 1769854500.0])
def test_a_platforms_milliseconds_are_understood(at: Any) -> None:
    """An administrator can't change a platform that counts in milliseconds."""
    assert read({**BODY, "at": at}).occurred_at == datetime(2026, 1, 31, 10, 15, tzinfo=UTC)


def test_a_platform_without_times() -> None:
    """Without a time the moment of arrival counts, and the body alone tells two events apart."""
    mappings = {"event": "course.completed", "user_id": "$.user"}
    first = read({"user": "a", "n": 1}, mappings)
    later = custom.read(
        {"n": 1, "user": "a"}, ReadingContext(source(mappings), ZoneInfo("UTC"), NOW.replace(hour=13))
    )
    assert first.occurred_at == NOW
    assert later.dedupe_key == first.dedupe_key
    assert read({"user": "a", "n": 2}, mappings).dedupe_key != first.dedupe_key


def test_without_mappings_our_own_spelling_is_read() -> None:
    """A custom source without a mapping takes the flat and the canonical spelling."""
    event = read({"event": "a.b", "user_id": "u", "timestamp": 1769854500, "event_id": "e"}, {})
    assert (event.user_id, event.source_kind) == ("acme:u", "custom")
    assert list(refusal({"event": "a.b", "user": {}, "timestamp": 1769854500}, {})) == ["user.id"]
    with pytest.raises(InvalidPayload):
        sources.read_fields([], ReadingContext(source(MAPPINGS), ZoneInfo("UTC"), NOW))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"event": None}, "mappings.event"),
        ({"user_id": ""}, "mappings.user_id"),
        ({"nonsense": "$.a"}, "mappings.nonsense"),
        ({"event": "$type"}, "mappings.event"),
        ({"event": "$.a..b"}, "mappings.event"),
        ({"event": "$.a[*]"}, "mappings.event"),
        ({"event": "$[0]"}, "mappings.event"),
        ({"event": "$."}, "mappings.event"),
        ({"event": "$.a\n"}, "mappings.event"),
        ({"event": "$." + "a" * 200}, "mappings.event"),
        ({"event": "$" + ".a" * 11}, "mappings.event"),
        ({"event": []}, "mappings.event"),
        ({"event": ["$.a"] * 11}, "mappings.event"),
        ({"event": ["$.a", None]}, "mappings.event[1]"),
        ({"event": [[[["$.a"]]]]}, "mappings.event[0][0][0][0]"),
        ({"event": {"from": "$.a"}}, "mappings.event"),
        ({"event": {"from": "$.a", "table": {}}}, "mappings.event.table"),
        ({"event": {"from": "$a", "table": {"x": 1}}}, "mappings.event.from"),
        ({"event": {"from": "$.a", "table": {"x": {}}}}, "mappings.event.table.x"),
        ({"event": {"from": "$.a", "table": {"x": 1}, "default": "$a"}}, "mappings.event.default"),
        ({"event": {"const": []}}, "mappings.event.const"),
        ({"event": {"const": "x", "more": 1}}, "mappings.event"),
        ({"event": "\x00"}, "mappings.event"),
        ({"properties": []}, "mappings.properties"),
        ({"properties": {f"p{i}": "$.a" for i in range(101)}}, "mappings.properties"),
        ({"properties": {"x": "$a"}}, "mappings.properties.x"),
        ({"properties": {"": "$.a"}}, "mappings.properties."),
    ],
)
def test_faulty_mappings(changes: dict[str, Any], path: str) -> None:
    """A fault in a mapping is found when it is saved, with the path of the part at fault."""
    assert [error.path for error in custom.check_mappings({**MAPPINGS, **changes})] == [path]


def test_the_paths_of_a_mapping_are_bounded_in_all() -> None:
    """Lists of lists of paths in many properties are refused, since each event would look at all of them."""
    nested = [[["$.a"] * 10] * 10] * 10
    faults = custom.check_mappings({**MAPPINGS, "properties": {f"p{i}": nested for i in range(90)}})
    assert [fault.path for fault in faults] == ["mappings"]
    assert "at most 300 paths" in faults[0].message
    assert (
        custom.check_mappings({**MAPPINGS, "properties": {f"p{i}": ["$.a", "$.b"] for i in range(90)}}) == []
    )
    one = custom.check_mappings({**MAPPINGS, "properties": {"from": nested, "const": "$.a"}})
    assert [fault.path for fault in one] == ["mappings"]


def test_mappings_that_are_none() -> None:
    """No mapping is a mapping, anything but an object isn't."""
    assert custom.check_mappings({}) == []
    assert [error.path for error in custom.check_mappings([])] == ["mappings"]  # type: ignore[arg-type]


TEXT = st.text(st.characters(codec=None), max_size=6)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXT | st.sampled_from(["const", "from", "table", "default", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
EXPRESSIONS = JSON | st.sampled_from(
    ["$.a", "$.b.c[0]", ["$.a", "x.y"], {"from": "$.a", "table": {"1": "x.y"}}]
)


@given(
    mappings=st.dictionaries(st.sampled_from(sorted(MAPPINGS)), EXPRESSIONS, max_size=6),
    body=st.dictionaries(st.sampled_from(["a", "b", "type", "id"]), JSON, max_size=4),
)
def test_no_mapping_and_no_body_raises_anything_else(mappings: dict[str, Any], body: dict[str, Any]) -> None:
    """Even an unchecked mapping gives an event or a refusal, and a check of it gives errors that encode."""
    msgspec.json.encode([error.as_dict() for error in custom.check_mappings(mappings)])
    try:
        event = read(body, mappings)
    except InvalidPayload as refused:
        msgspec.json.encode(refused.details)
    else:
        assert event.received == body
        msgspec.json.encode([event.ignored, event.properties])
