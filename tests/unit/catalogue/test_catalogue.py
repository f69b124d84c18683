"""The catalogue: what is bundled, and what an administrator's own file changes."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from rocket_server.catalogue import EVENT_NAME, ONCE_PER, load
from rocket_server.errors import ConfigurationError


def write(folder, *activities):
    path = folder / "own.json"
    path.write_text(json.dumps({"activities": list(activities)}))
    return path


def test_at_least_67_activities_are_known():
    """The catalogue covers the activities that the product promises, each under a valid name."""
    activities = load()
    assert len(activities) == 105
    assert all(EVENT_NAME.fullmatch(activity.event) for activity in activities.values())
    assert all(activity.once_per in ONCE_PER and activity.title for activity in activities.values())


def test_activities_of_one_event_share_one_rule():
    """Where several Moodle events have one canonical name, one rule serves them all."""
    by_event = defaultdict(set)
    for activity in load().values():
        rule = (activity.points, str(activity.constraints()), str(activity.condition), activity.default)
        by_event[activity.event].add(rule)
    assert {event for event, rules in by_event.items() if len(rules) > 1} == set()


def test_default_rules_are_those_of_the_product():
    """Seven rules are active from the start, with these points; badges wait to be switched on."""
    defaults = {a.event: (a.points, a.constraints()) for a in load().values() if a.default and a.points}
    assert defaults == {
        "course.completed": (50, {"max_per_course": 1}),
        "lesson.completed": (10, {"max_per_lesson": 1}),
        "user.logged_in": (5, {"max_per_day": 1}),
        "assignment.submitted": (15, {"unique_by": ["object_id"]}),
        "quiz.completed": (20, {"unique_by": ["attempt_id"]}),
        "forum.posted": (5, {"unique_by": ["object_id"], "max_per_day": 3}),
        "resource.viewed": (2, {"unique_by": ["module", "lesson_id"]}),
    }
    badge = load()["\\core\\event\\badge_awarded"]
    assert (badge.event, badge.points, badge.default) == ("badge.awarded", 100, False)


def test_own_file_changes_and_adds(tmp_path):
    """An entry changes the fields that it names; an entry of its own needs all of them."""
    own = {
        "eventname": "\\local_lab\\event\\scanned",
        "event": "lab.visited",
        "title": "Visited the lab",
        "learner": "userid",
        "once_per": "day",
        "points": 4,
    }
    path = write(tmp_path, {"eventname": "\\core\\event\\user_loggedin", "points": 1}, own)
    activities = load(path)
    assert len(activities) == 106
    login = activities["\\core\\event\\user_loggedin"]
    assert (login.points, login.once_per, login.default) == (1, "day", True)
    assert activities["\\local_lab\\event\\scanned"].event == "lab.visited"
    assert load()["\\core\\event\\user_loggedin"].points == 5


def test_cap_never_loosens_once_per(tmp_path):
    """Once a day stays once a day, also with a cap of more."""
    entry = {"eventname": "\\core\\event\\user_loggedin", "cap": {"per": "day", "max": 3}}
    login = load(write(tmp_path, entry))["\\core\\event\\user_loggedin"]
    assert login.constraints() == {"max_per_day": 1}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"points": "five"}, "points"),
        ({"points": -1}, "points"),
        ({"learner": "user"}, "learner"),
        ({"once_per": "week"}, "once_per"),
        ({"event": "User.LoggedIn"}, "event"),
        ({"cap": {"per": "decade", "max": 1}}, "per"),
        ({"cap": {"per": "day", "max": 0}}, "cap.max"),
        ({"pionts": 5}, "pionts"),
    ],
)
def test_own_entry_that_cannot_be_used_is_named(entry, words, tmp_path):
    """A fault in an administrator's file names the entry and the field."""
    path = write(tmp_path, {"eventname": "\\core\\event\\user_loggedin", **entry})
    with pytest.raises(ConfigurationError, match="user_loggedin") as caught:
        load(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"activities": {}}', '{"activities": [{}]}', "\x00"])
def test_own_file_of_another_shape_is_refused(content, tmp_path):
    """A file that isn't a catalogue is refused by its name."""
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"broken\.json"):
        load(path)


def test_missing_own_file_is_named(tmp_path):
    """A path to nothing is a setting that can't be used."""
    with pytest.raises(ConfigurationError, match=r"nothing\.json"):
        load(tmp_path / "nothing.json")


def test_what_withdraws_another_names_one_that_is_known():
    """Each withdrawal takes back an event of the catalogue, gives nothing itself, and none is withdrawn."""
    activities = load().values()
    withdrawing = [one for one in activities if one.withdraws is not None]
    names = {one.event for one in activities} - {one.event for one in withdrawing}
    assert len(withdrawing) == 9
    for one in withdrawing:
        assert one.withdraws is not None
        assert one.withdraws.event in names
        assert one.points == 0
