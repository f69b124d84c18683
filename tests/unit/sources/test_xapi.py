"""xAPI statements: actors, verbs, activities, results and what voids them."""

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
from rocket_server.sources import xapi, xapi_fields
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.checks import Fault
from rocket_server.times import rfc3339
from support.platforms import Sample, samples

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")
SAMPLES = {sample.name: sample for sample in samples("valamis")}
LESSON = SAMPLES["lesson_completed"].body
HOME = "https://learn.example.org"


def source(**changes: Any) -> Source:
    return Source("o", "s", "valamis", "valamis", "slug", **{"staff_ids": frozenset(), **changes})


def read(statement: Any, **changes: Any) -> Event:
    body = json.dumps(statement).encode()
    return sources.read(body, "application/json", ReadingContext(source(**changes), ZONE, NOW))


def reread(received: Any) -> Event:
    return sources.reread(received, ReadingContext(source(), ZONE, NOW))


def refused(statement: Any) -> list[str]:
    with pytest.raises(InvalidPayload) as caught:
        read(statement)
    return [error["path"] for error in caught.value.details["errors"]]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=str)
def test_a_statement_becomes_an_event(sample: Sample) -> None:
    """Each sample has the name, learner, time and properties that are written beside it, also read again."""
    event, expected = read(sample.body), sample.expected
    assert (event.event, event.user_id) == (expected["event"], expected["user_id"])
    assert rfc3339(event.occurred_at) == expected["timestamp"]
    assert event.properties == expected["properties"]
    assert (event.ignored or "").split(":")[0] == expected.get("reason", "")
    assert reread(event.received) == event


@pytest.mark.parametrize(
    ("actor", "user_id", "site"),
    [
        ({"account": {"homePage": HOME, "name": "7"}}, "7", HOME),
        ({"account": {"homePage": "http://LEARN.example.org/", "name": 7}}, "7", "http://LEARN.example.org/"),
        ({"account": {"name": "7"}}, "7", None),
        ({"account": {"homePage": "https://other.org/a", "name": "7"}}, "other.org%2Fa|7", None),
        ({"account": {"homePage": HOME, "name": "7"}, "mbox": "mailto:a@b.org"}, "7", HOME),
        ({"mbox": "mailto:A@B.org"}, "a@b.org", None),
        ({"mbox": "a@b.org"}, "a@b.org", None),
        ({"mbox_sha1sum": "A" * 40}, "mbox_sha1sum:" + "a" * 40, None),
        ({"openid": "https://id.org/me"}, "https:%2F%2Fid.org%2Fme", None),
    ],
)
def test_who_the_actor_is(actor: Any, user_id: str, site: str | None) -> None:
    """An account of the source's own site is known by its name, one of another by both."""
    event = read(LESSON | {"actor": actor}, site=HOME)
    assert (event.user_id, event.site) == (f"valamis:{user_id}", site)
    assert event.email == ("a@b.org" if "mbox" in actor else None)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"actor": {}}, "actor.account.name"),
        ({"actor": None}, "actor.account.name"),
        ({"actor": {"account": {"name": "undefined"}}}, "actor.account.name"),
        ({"actor": {"account": {"name": "a/b"}}}, "actor.account.name"),
        ({"actor": {"account": {"name": "x" * 254}}}, "actor"),
        ({"actor": {"mbox": "mailto:nobody"}}, "actor.mbox"),
        ({"actor": {"mbox_sha1sum": "x"}}, "actor.mbox_sha1sum"),
        ({"verb": {}}, "verb.id"),
        ({"verb": "completed"}, "verb.id"),
        ({"object": {"objectType": "Activity"}}, "object.id"),
        ({"object": None}, "object"),
        ({"id": "null"}, "id"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-07-03T12:00:00Z"}, "timestamp"),
        ({"result": {"duration": "90 minutes"}}, "result.duration"),
        ({"result": {"score": {"scaled": 1.5}}}, "result.score.scaled"),
        ({"result": {"score": {"raw": "many"}}}, "result.score.raw"),
        ({"result": {"success": "yes"}}, "result.success"),
        ({"result": {"completion": 1}}, "result.completion"),
        (
            {"context": {"contextActivities": {"grouping": [{"id": {}}]}}},
            "context.contextActivities.grouping[0].id",
        ),
        ({"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}}, "object.objectType"),
    ],
)
def test_faults_are_named(change: dict[str, Any], path: str) -> None:
    """What can't be read is refused, and the field is named."""
    assert path in refused(LESSON | change)


def test_whoever_has_no_time_is_dated_when_they_came() -> None:
    """`timestamp` comes before `stored`; with neither, it is the time of arrival."""
    bare = {name: value for name, value in LESSON.items() if name not in ("timestamp", "stored")}
    assert read(bare).occurred_at == NOW
    assert rfc3339(read(bare | {"stored": "2026-01-01T00:00:00Z"}).occurred_at) == "2026-01-01T00:00:00Z"


def test_what_is_once() -> None:
    """The statement's id in either case; without one, all that the sender wrote and no store added."""
    assert read(LESSON).dedupe_key == read(LESSON | {"id": LESSON["id"].upper(), "result": {}}).dedupe_key
    bare = {name: value for name, value in LESSON.items() if name != "id"}
    added = {"stored": "2026-01-01T00:00:00Z", "authority": {"mbox": "mailto:lrs@b.org"}, "version": "1.0.0"}
    assert read(bare).dedupe_key == read(bare | added).dedupe_key
    assert read(bare).dedupe_key != read(bare | {"timestamp": "2025-09-09T10:05:47Z"}).dedupe_key


def voids(statement: Any) -> dict[str, Any]:
    return SAMPLES["voiding"].body | {"object": {"objectType": "StatementRef", "id": statement["id"].upper()}}


def test_a_statement_and_what_voids_it_are_one_event() -> None:
    """Merged in either order the event is the statement's own, and ignored; neither is a third event."""
    first, voiding = read(LESSON), read(voids(LESSON))
    assert first.dedupe_key == voiding.dedupe_key
    for one, other in ((first, voiding), (voiding, first)):
        merged = reread(sources.merge("valamis", one.received, other.received))
        assert (merged.event, merged.user_id) == (first.event, first.user_id)
        assert str(merged.ignored).startswith("voided:")
        assert SAMPLES["voiding"].body["id"] in str(merged.ignored)
        assert sources.merge("valamis", merged.received, first.received) == merged.received
        assert sources.merge("valamis", merged.received, voiding.received) == merged.received


def test_nobody_voids_by_a_field() -> None:
    """What says that a statement is voided is another statement, and no field of its own."""
    event = read(LESSON | {"voided_by": {"id": "x"}})
    assert (event.ignored, "voided_by" in event.received) == (None, False)
    assert "verb.id" in refused({"voided_by": {"object": {"id": LESSON["id"]}}})


def test_long_iris_are_short_ids() -> None:
    """An activity's id that is longer than an id may be is cut, and ends in what tells it from others."""
    one, other = (
        read(LESSON | {"object": {"id": f"{HOME}/{'x' * 400}{end}"}}).properties["lesson_id"] for end in "ab"
    )
    assert len(one) <= 255
    assert one != other


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("PT0S", 0),
        ("PT1H30M", 5400),
        ("PT5M33.99S", 333),
        ("PT5M33,5S", 333),
        ("P1DT1S", 86_401),
        ("P2W", 1_209_600),
        ("P1Y2M", 31_536_000 + 2 * 2_592_000),
        ("PT100H", 360_000),
    ],
)
def test_durations(written: str, seconds: int) -> None:
    """ISO 8601 durations in whole seconds."""
    assert xapi_fields.duration_s(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "P", "PT", "1H", "PT-5S", "P1W2D", "PT1H30", 5, None, "PT" + "9" * 99 + "S"]
)
def test_what_is_no_duration(written: Any) -> None:
    """Anything else is a fault."""
    with pytest.raises(Fault):
        xapi_fields.duration_s(written)


@pytest.mark.parametrize(
    ("context", "course"),
    [
        ({"parent": [{"id": "p"}], "grouping": [{"id": "g"}]}, "g"),
        ({"parent": {"id": "p"}}, "p"),
        ({"parent": [{"id": "p", "definition": {"type": "x/course"}}], "grouping": [{"id": "g"}]}, "p"),
        ({"grouping": [{"id": "g"}, {"id": "c", "definition": {"type": "x#course"}}]}, "c"),
        ({"grouping": []}, None),
        ({"grouping": [None, 5, {}]}, None),
        ({"other": [{"id": "o"}]}, None),
    ],
)
def test_the_course_around_an_activity(context: Any, course: str | None) -> None:
    """The nearest activity that says it is a course; else the first of the grouping, else the last parent."""
    event = read(LESSON | {"context": {"contextActivities": context}})
    assert event.properties.get("course_id") == course


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_nothing_breaks_the_adapter(name: str, data: st.DataObject) -> None:
    """Whatever stands in the place of a value, a statement becomes an event that can be stored and read
    again, or is refused in words."""
    statement = json.loads(json.dumps(SAMPLES[name].body))
    place: Any = statement
    while True:
        part = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[part], dict) and place[part] and data.draw(st.booleans()):
            place = place[part]
            continue
        place[part] = data.draw(JSON)
        break
    try:
        event = xapi.read(statement, ReadingContext(source(), ZONE, NOW))
    except InvalidPayload:
        return
    assert (event.user_id is None) <= (event.ignored is not None)
    json.dumps(event.properties, allow_nan=False)
    assert event.received is not None
    again = xapi.reread(event.received, ReadingContext(source(), ZONE, NOW))
    assert again.dedupe_key == event.dedupe_key
    assert xapi.merge(event.received, event.received) == event.received


@given(st.permutations(["lesson", "voiding", "lesson again", "voiding again"]))
def test_voiding_in_any_order(order: list[str]) -> None:
    """However a statement, what voids it and their copies arrive, what is left is the statement, voided."""
    kept: dict[str, Any] = {}
    for one in order:
        event = read(LESSON if one.startswith("lesson") else voids(LESSON))
        assert event.received is not None
        kept = sources.merge("valamis", kept, event.received) if kept else dict(event.received)
    final = reread(kept)
    assert (final.event, str(final.ignored).split(":")[0]) == ("lesson.completed", "voided")
