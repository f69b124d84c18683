"""Whose activity each Moodle event is: the catalogue beside Moodle's event classes and what Moodle sent.

The lists below were made from the classes of Moodle 4.1 and 4.5 and the places where they are triggered:
`userid` is who acted, `relateduserid` whom it is about.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server.catalogue import load
from rocket_server.organisations.model import Source
from rocket_server.sources import moodle
from support.captures import all_captures

# Events about somebody, whoever did it: teachers, administrators and cron do these to learners.
ABOUT = {
    "core": "course_completed course_module_completion_updated badge_awarded user_enrolment_created"
    " user_graded user_created user_updated group_member_added cohort_member_added"
    " competency_user_competency_rated_in_course competency_user_competency_rated_in_plan"
    " competency_evidence_created competency_user_evidence_created"
    " competency_user_competency_review_requested competency_plan_created competency_plan_completed"
    " badge_revoked blog_entry_deleted",
    "tool_policy": "acceptance_created",
    "mod_assign": "submission_graded",
    "mod_quiz": "attempt_submitted attempt_started attempt_reviewed attempt_manual_grading_completed"
    " attempt_deleted",
    "mod_forum": "discussion_subscription_created subscription_created",
    "mod_lesson": "essay_assessed",
    "mod_choice": "answer_created",
    "mod_workshop": "assessment_evaluated",
}
# Events of who acted, that name the learner beside where a teacher or a daemon acts in the learner's place.
EITHER = {
    "mod_assign": "assessable_submitted submission_removed submission_status_updated",
    "mod_forum": "post_deleted",
    "assignsubmission_onlinetext": "submission_created",
    "assignsubmission_file": "submission_created",
    "mod_scorm": "status_submitted scoreraw_submitted",
    "mod_feedback": "response_submitted",
    "mod_wiki": "page_updated",
    "mod_chat": "message_sent",
}
# Events about an act of one's own, that also come when somebody looks at another's, or does it for another.
ONLY_OWN = {
    r"\core\event\user_updated",
    r"\gradereport_user\event\grade_report_viewed",
    r"\mod_assign\event\feedback_viewed",
    r"\mod_quiz\event\attempt_reviewed",
    r"\mod_forum\event\discussion_subscription_created",
    r"\mod_forum\event\subscription_created",
}


def names(table):
    return {rf"\{component}\event\{one}" for component, listed in table.items() for one in listed.split()}


def field_of(eventname):
    if eventname in names(ABOUT):
        return "relateduserid"
    return "relateduserid_or_userid" if eventname in names(EITHER) else "userid"


def read(eventname, **fields):
    body = {"eventname": eventname, "id": "77", "timecreated": "1772445600", "objectid": "9", **fields}
    return moodle.read(
        body,
        Source("", "", "moodle", "moodle", "", staff_ids=frozenset({"2"})),
        timezone=ZoneInfo("UTC"),
        received_at=datetime(2100, 1, 1, tzinfo=UTC),
    )


def test_the_lists_are_about_the_catalogue():
    """All 105 entries are judged, and no list names an event that isn't one of them."""
    assert len(load()) == 105
    assert (names(ABOUT) | names(EITHER) | ONLY_OWN) <= load().keys()


@pytest.mark.parametrize("eventname", list(load()))
def test_the_learner_is_whom_the_event_class_means(eventname):
    """A teacher (5501) acts, learner 31 is named beside: who counts follows from the event type alone."""
    field = field_of(eventname)
    assert load()[eventname].learner == field
    both = read(eventname, userid="5501", relateduserid="31")
    assert both.user_id == ("moodle:5501" if field == "userid" else "moodle:31")
    alone = read(eventname, userid="31", relateduserid="")
    assert alone.user_id == "moodle:31"
    assert bool(alone.notes) == (field == "relateduserid" or "completion_updated" in eventname)


@pytest.mark.parametrize("eventname", list(load()))
def test_what_only_counts_for_oneself_says_so(eventname):
    """Looking at another's attempt, feedback or report, or subscribing another, doesn't count for them."""
    condition = load()[eventname].condition or {}
    assert (condition.get("by_self") is True) == (eventname in ONLY_OWN)
    assert read(eventname, userid="5501", relateduserid="31").properties["by_self"] is False
    assert read(eventname, userid="31", relateduserid="31").properties["by_self"] is True


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
        event = read(**{name: value for name, value in fields.items() if not name.startswith("_")})
        assert event.user_id == f"moodle:{expected}" or event.ignored, capture.name
    # The others could not be made to happen while recording; they stand in the lists above.
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
        Source("", "", "moodle", "moodle", ""),
        timezone=ZoneInfo("UTC"),
        received_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    assert again.ignored == event.ignored
    graded = read(r"\core\event\user_graded", userid="5501", relateduserid="31", other_finalgrade="7.5")
    merged = moodle.merge(event.received, graded.received)
    assert not moodle.is_empty(merged, "other_finalgrade")
