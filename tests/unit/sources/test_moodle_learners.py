"""Whose activity each Moodle event is: the catalogue beside Moodle's event classes and what Moodle sent.

`who-is-who.json` was written while reading the classes and the places where they are triggered, and knows
nothing of the catalogue.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rocket_server.catalogue import load
from rocket_server.organisations.model import Source
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import Case, CompiledRule
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.templates import rule_from_activity
from rocket_server.sources import moodle
from rocket_server.sources.adapter import ReadingContext
from support.captures import all_captures

FILE = Path(__file__).parents[2] / "fixtures" / "moodle" / "who-is-who.json"
WHO = {row["eventname"]: row for row in json.loads(FILE.read_text())["events"]}
FIELDS = {
    "userid": "userid",
    "relateduserid": "relateduserid",
    "relateduserid, else userid": "relateduserid_or_userid",
}


def read(eventname, **fields):
    body = {"eventname": eventname, "id": "77", "timecreated": "1772445600", "objectid": "9", **fields}
    return moodle.read(
        body,
        ReadingContext(
            Source("", "", "moodle", "moodle", "", staff_ids=frozenset({"2"})),
            ZoneInfo("UTC"),
            datetime(2100, 1, 1, tzinfo=UTC),
        ),
    )


def test_every_entry_was_read():
    """All 105 entries of the catalogue stand in the table, and nothing else; each says where it was read."""
    assert WHO.keys() == load().keys()
    assert len(WHO) == 105
    for row in WHO.values():
        component, name = row["eventname"].strip("\\").split("\\event\\")
        assert f"/classes/event/{name}.php" in row["source"] or component == "tool_policy"
        assert (row["relateduserid"] is None) == (row["relateduserid_set"] == "never")


@pytest.mark.parametrize("eventname", list(WHO))
def test_the_learner_is_whom_the_event_class_means(eventname):
    """A teacher (5501) acts, learner 31 is named beside: who counts follows from the event type alone."""
    field = FIELDS[WHO[eventname]["learner"]]
    assert load()[eventname].learner == field
    both = read(eventname, userid="5501", relateduserid="31")
    assert both.user_id == ("moodle:5501" if field == "userid" else "moodle:31")
    alone = read(eventname, userid="31", relateduserid="")
    assert alone.user_id == "moodle:31"
    assert bool(alone.notes) == (field == "relateduserid" or "completion_updated" in eventname)


@pytest.mark.parametrize("eventname", list(WHO))
def test_what_only_counts_for_oneself_says_so(eventname):
    """Looking at another's attempt, feedback or report, or subscribing another, doesn't count for them."""
    condition = load()[eventname].condition or {}
    assert (condition.get("by_self") is True) == WHO[eventname]["only_own"]
    assert read(eventname, userid="5501", relateduserid="31").properties["by_self"] is False
    assert read(eventname, userid="31", relateduserid="31").properties["by_self"] is True


@pytest.mark.parametrize(("status", "counts"), [("1", True), ("0", False), ("-1", False), (None, True)])
def test_consent_that_was_refused_is_none(status, counts):
    """Moodle tells of consent, of its refusal and of an empty record by one event; a template that doesn't
    send which is taken for consent."""
    eventname = r"\tool_policy\event\acceptance_created"
    event = read(eventname, userid="31", relateduserid="31", other_status=status)
    rule = replace(rule_from_activity(load()[eventname]), active=True)
    compiled = CompiledRule(RuleVersion(rule, 1), Calendar(ZoneInfo("UTC")))
    assert isinstance(compiled.consider(event), Case) == counts


def test_every_captured_event_names_its_learner_where_the_catalogue_looks():
    """In each recorded request with both fields, the one that the catalogue names holds a user or nobody."""
    seen = set()
    for capture in all_captures():
        if not capture.variant.startswith("rich") or capture.method != "POST":
            continue
        fields = moodle.decode(json.loads(capture.body))
        activity = load().get(fields["eventname"])
        if activity is None:
            continue
        seen.add(activity.eventname)
        actor, related = fields["userid"], fields.get("relateduserid")
        expected = actor if activity.learner == "userid" else related
        if activity.learner == "relateduserid_or_userid":
            expected = related or actor
        assert expected is not None, capture.name
        sent = WHO[activity.eventname]["relateduserid_set"]
        assert sent == "sometimes" or (related is not None) == (sent == "always"), capture.name
        event = read(**{name: value for name, value in fields.items() if not name.startswith("_")})
        assert event.user_id == f"moodle:{expected}" or event.ignored, capture.name
    # The others could not be made to happen while recording; they stand in the table.
    assert len(seen) >= 75


def test_a_group_hands_in_for_nobody_in_particular():
    """A group's submission names user 0 beside who did it: it is theirs who did it."""
    assert (
        read(r"\mod_assign\event\assessable_submitted", userid="31", relateduserid="0").user_id == "moodle:31"
    )


@pytest.mark.parametrize("sent", ["", "{other_finalgrade}", None])
def test_a_grade_that_is_empty_is_none(sent):
    """A gradebook that holds no grade any more is kept and ignored; a grade of 0 is one, and so may be one
    whose template doesn't send it."""
    event = read(r"\core\event\user_graded", userid="5501", relateduserid="31", other_finalgrade=sent)
    assert event.ignored.startswith("no_grade: ")
    assert event.user_id is None
    for fields in ({"other_finalgrade": "0.00000"}, {}):
        graded = read(r"\core\event\user_graded", userid="5501", relateduserid="31", **fields)
        assert (graded.user_id, graded.ignored) == ("moodle:31", None)


def test_a_grade_stays_none_when_it_is_read_again():
    """What was received says that the grade was empty; with a copy that has it, it is a grade."""
    event = read(r"\core\event\user_graded", userid="5501", relateduserid="31", other_finalgrade="")
    again = moodle.reread(
        event.received,
        ReadingContext(
            Source("", "", "moodle", "moodle", ""), ZoneInfo("UTC"), datetime(2100, 1, 1, tzinfo=UTC)
        ),
    )
    assert again.ignored == event.ignored
    graded = read(r"\core\event\user_graded", userid="5501", relateduserid="31", other_finalgrade="7.5")
    merged = moodle.merge(event.received, graded.received)
    assert not moodle.is_empty(merged, "other_finalgrade")
