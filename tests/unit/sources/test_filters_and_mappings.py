"""A source's filters and an administrator's own mappings, as the Moodle adapter applies them."""

from __future__ import annotations

import pytest

from rocket_server import sources
from rocket_server.catalogue import load
from rocket_server.organisations.model import Filters
from rocket_server.sources.adapter import ReadingContext

RICH = {
    "contextlevel": "70",
    "contextinstanceid": "1",
    "course_category": "7",
    "course_visible": "0",
    "role_id": "5",
    "learner_id": "3",
    "learner_suspended": "1",
}


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(course_ids=frozenset({"2"})), None),
        (Filters(course_ids=frozenset({"3"})), "course 2"),
        (Filters(category_ids=frozenset({"7"})), None),
        (Filters(category_ids=frozenset({"8"})), "category 7"),
        (Filters(role_ids=frozenset({"5"})), None),
        (Filters(role_ids=frozenset({"3"})), "role 5"),
        (Filters(context_levels=frozenset({"70", "50"})), None),
        (Filters(context_levels=frozenset({"module"})), None),
        (Filters(context_levels=frozenset({"50"})), "context level 70"),
        (Filters(visible=True), "the course is hidden"),
        (Filters(visible=False), None),
        (Filters(exclude_suspended=True), "suspended"),
        (Filters(), None),
    ],
)
def test_filter_on_a_value_that_was_sent(filters, words, read_fields):
    """An event passes or is kept as filtered, with the filter and the value in the reason."""
    event = read_fields(RICH, filters=filters)
    assert event.filtered is (words is not None)
    assert event.user_id == "moodle:3"
    assert event.notes == ()
    if words is None:
        assert event.ignored is None
    else:
        assert event.ignored.startswith("filtered: ")
        assert words in event.ignored


def test_filter_on_values_that_were_not_sent(read_fields):
    """What wasn't sent can't be filtered by: the event passes, with one note for each such filter."""
    filters = Filters(
        course_ids=frozenset({"3"}),
        category_ids=frozenset({"8"}),
        role_ids=frozenset({"3"}),
        context_levels=frozenset({"50"}),
        visible=True,
        exclude_suspended=True,
    )
    event = read_fields({"courseid": "0"}, filters=filters)
    assert (event.ignored, event.filtered) == (None, False)
    assert len(event.notes) == 6


def test_mapping_takes_an_institutions_own_event(read_fields):
    """A mapped event counts for the learner that the mapping names."""
    mappings = {
        "\\local_lab\\event\\badge_scanned": {
            "event": "lab.visited",
            "learner": "relateduserid",
            "once_per": "day",
        }
    }
    event = read_fields(
        {"eventname": "\\local_lab\\event\\badge_scanned", "userid": "2", "relateduserid": "4"},
        mappings=mappings,
    )
    assert (event.event, event.user_id, event.ignored) == ("lab.visited", "moodle:4", None)


def test_mapping_overrides_the_catalogue(read_fields):
    """A mapping changes what it names and leaves the rest as the catalogue has it."""
    name = "\\mod_page\\event\\course_module_viewed"
    assert read_fields({}, mappings={name: {"event": "page.read"}}).event == "page.read"
    assert read_fields({}, mappings={name: {"points": 7}}).event == "resource.viewed"


def test_event_that_was_mapped_later_is_read_again(read_fields, make_source):
    """An ignored event becomes the mapped one when its stored fields are read again."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    ignored = read_fields({"eventname": "\\local_x\\event\\y"})
    assert ignored.user_id is None
    mapped = make_source(
        mappings={"\\local_x\\event\\y": {"event": "x.done", "learner": "userid", "once_per": "event"}}
    )
    event = sources.reread(
        ignored.received, ReadingContext(mapped, ZoneInfo("UTC"), datetime(2026, 11, 21, tzinfo=UTC))
    )
    assert (event.event, event.user_id, event.ignored) == ("x.done", "moodle:3", None)
    assert event.dedupe_key == ignored.dedupe_key


@pytest.mark.parametrize(
    ("mapping", "faulty"),
    [
        ({"event": "lab.visited", "learner": "userid", "once_per": "day"}, []),
        (
            {"event": "a.b", "learner": "userid", "once_per": "day", "points": 5, "points_from": "x.y"},
            [],
        ),
        ({"event": "Lab Visited", "learner": "userid", "once_per": "day"}, ["event"]),
        ({"event": "a.b", "learner": "user", "once_per": "week"}, ["learner", "once_per"]),
        ({"event": "a.b", "learner": "userid"}, ["once_per"]),
        ({"event": "a.b", "learner": "userid", "once_per": "day", "points": -1}, ["points"]),
        ({"event": "a.b", "learner": "userid", "once_per": "day", "points": True}, ["points"]),
        ({"event": "a.b", "learner": "userid", "once_per": "day", "points_from": "$.x"}, ["points_from"]),
        ({"event": "a.b", "learner": "userid", "once_per": "day", "pionts": 5}, ["pionts"]),
        ({"event": ["a"], "learner": {}, "once_per": []}, ["event", "learner", "once_per"]),
    ],
)
def test_mappings_are_checked_field_by_field(mapping, faulty):
    """Each fault of a mapping is reported under its own path."""
    name = "\\local_lab\\event\\scanned"
    errors = sources.check_mappings("moodle", {name: mapping}, load())
    assert [error.path for error in errors] == [f"mappings.{name}.{field}" for field in faulty]


def test_mappings_as_a_whole_are_checked():
    """The mappings must be an object of objects whose keys are Moodle event names."""
    assert [error.path for error in sources.check_mappings("moodle", [], load())] == ["mappings"]
    assert (
        sources.check_mappings("openlms", {"course_completed": {}}, load())[0].path
        == "mappings.course_completed"
    )
    assert (
        sources.check_mappings("moodle", {"\\core\\event\\x": 5}, load())[0].path
        == "mappings.\\core\\event\\x"
    )
    assert sources.check_mappings("moodle", {"\\core\\event\\course_completed": {"points": 80}}, load()) == []
