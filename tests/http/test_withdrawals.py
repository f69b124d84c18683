"""What was posted and deleted gives its points back: posts, attempts, submissions, and own mappings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rocket_server.rules.parse import parse_rule

FORUM, QUIZ, ASSIGN = "\\mod_forum\\event\\post_", "\\mod_quiz\\event\\attempt_", "\\mod_assign\\event\\"
_MODULE = {"contextlevel": "70", "contextinstanceid": "9", "courseid": "3"}


def moodle(organisation, eventname: str, number: int, at: int, **fields: str) -> dict[str, Any]:
    """Send a body as the Event Trigger plugin does; times are seconds of one day."""
    body = {"id": str(number), "eventname": eventname, "timecreated": str(1_772_000_000 + at), **_MODULE}
    response = organisation.hook(json.dumps({**body, **fields}))
    assert response.status_code == 200, response.text
    return response.json()


CASES = [
    (FORUM + "created", FORUM + "deleted", {}, 5),
    (QUIZ + "submitted", QUIZ + "deleted", {"other_quizid": "4"}, 20),
    (ASSIGN + "assessable_submitted", ASSIGN + "submission_removed", {}, 15),
    (ASSIGN + "assessable_submitted", ASSIGN + "submission_status_updated", {"other_newstatus": "draft"}, 15),
]


@pytest.mark.parametrize(("made", "deleted", "fields", "points"), CASES, ids=[case[1] for case in CASES])
def test_what_was_deleted_gives_its_points_back(organisation, adds_up, made, deleted, fields, points):
    """Deleting takes the points back and frees the key, so that the same thing made again counts again."""
    learner = {"userid": "31", "relateduserid": "31"}
    first = moodle(organisation, made, 1, 0, objectid="70", **learner, **fields)
    assert first["points_awarded"] == points
    gone = moodle(organisation, deleted, 2, 60, objectid="70", userid="5", relateduserid="31", **fields)
    assert gone["points_awarded"] == -points
    decisions = organisation.api.read(gone["event_id"])["decisions"]
    (reversed_,) = [one for one in decisions if one["outcome"] == "reversed"]
    assert reversed_["sentence"] == (f"{points} points taken back: what earned this was deleted or undone.")
    assert organisation.api.points("moodle:31") == 0
    assert moodle(organisation, made, 3, 120, objectid="70", **learner, **fields)["points_awarded"] == points
    other = moodle(organisation, deleted, 4, 180, objectid="71", userid="5", relateduserid="31", **fields)
    assert other["points_awarded"] == 0
    assert organisation.api.points("moodle:31") == points
    adds_up(organisation)


def test_a_deletion_that_arrives_first(organisation, adds_up):
    """States are ordered by their times and numbers, not by arrival; a late creation gives nothing."""
    learner = {"userid": "31", "objectid": "70"}
    assert moodle(organisation, FORUM + "deleted", 2, 60, **learner)["points_awarded"] == 0
    late = moodle(organisation, FORUM + "created", 1, 60, **learner)
    assert late["points_awarded"] == 0
    (decision,) = [
        one
        for one in organisation.api.read(late["event_id"])["decisions"]
        if one["rule_id"] == "forum_posted"
    ]
    assert (decision["code"], decision["sentence"]) == (
        "withdrawn_later",
        "This was undone later, so it doesn't count.",
    )
    adds_up(organisation)


def test_who_loses_what_somebody_else_deleted(organisation, adds_up):
    """A teacher's deletion of a student's post concerns the student; one's own concerns oneself."""
    for number, user in ((1, "31"), (2, "32"), (3, "44")):
        moodle(organisation, FORUM + "created", number, number, userid=user, objectid=f"7{user}")
    moodle(organisation, FORUM + "deleted", 5, 60, userid="44", relateduserid="31", objectid="731")
    own = moodle(organisation, FORUM + "deleted", 6, 60, userid="32", objectid="732")
    assert "notes" not in organisation.api.read(own["event_id"])["metadata"]
    assert [organisation.api.points(f"moodle:{user}") for user in (31, 32, 44)] == [0, 0, 5]
    adds_up(organisation)


@pytest.mark.parametrize("event", ["submission_removed", "submission_status_updated"])
@pytest.mark.parametrize("teacher", ["44", "5"], ids=["teacher", "staff"])
def test_what_a_group_handed_in_is_taken_back_from_who_did_it(organisation, adds_up, event, teacher):
    """A group's submission names only who set it back; who handed it in had the points."""
    moodle(organisation, ASSIGN + "assessable_submitted", 1, 0, userid="31", objectid="70")
    fields = {"userid": teacher, "objectid": "70", "other_newstatus": "draft"}
    assert moodle(organisation, ASSIGN + event, 2, 60, **fields)["points_awarded"] == -15
    assert organisation.api.points("moodle:31") == 0
    adds_up(organisation)


def test_a_submission_that_stays_submitted_keeps_its_points(organisation):
    """Only the states `draft` and `new` take a submission back."""
    submitted = {"userid": "31", "objectid": "70"}
    moodle(organisation, ASSIGN + "assessable_submitted", 1, 0, **submitted)
    for number, status in enumerate(("submitted", "reopened"), 2):
        fields = {"userid": "5", "relateduserid": "31", "objectid": "70", "other_newstatus": status}
        moodle(organisation, ASSIGN + "submission_status_updated", number, number, **fields)
    assert organisation.api.points("moodle:31") == 15


def test_freed_caps_and_badges_of_a_deleted_post(make_organisation, adds_up):
    """A deleted post makes room under the cap of its day, and loses the badge that its rule gave."""
    organisation = make_organisation(rules=[])
    rule = {
        "rule_id": "forum",
        "trigger": "forum.posted",
        "actions": {"award_points": 5, "issue_badge": "quiz_master"},
        "constraints": {"max_per_day": 1},
    }
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    post = organisation.api.event
    assert post("forum.posted", properties={"object_id": "1"})["points_awarded"] == 5
    assert post("forum.posted", properties={"object_id": "2"})["points_awarded"] == 0
    gone = post("forum.post_deleted", timestamp="2026-03-02T11:00:00Z", properties={"object_id": "1"})
    assert gone["points_awarded"] == -5
    assert organisation.api.get("/v1/users/anna/badges").json()["badges"] == []
    again = post("forum.posted", timestamp="2026-03-02T12:00:00Z", properties={"object_id": "3"})
    assert again["points_awarded"] == 5
    adds_up(organisation)


def test_a_withdrawal_of_what_was_stored_before_it_could_be_withdrawn(organisation, owner, adds_up):
    """What an older release stored, or came before its mapping, is found in the past."""
    made = moodle(organisation, FORUM + "created", 1, 0, userid="31", objectid="70")
    owner.execute("DELETE FROM completions WHERE organisation_id = $1", organisation.organisation_id)
    assert made["points_awarded"] == 5
    assert moodle(organisation, FORUM + "deleted", 2, 9, userid="31", objectid="70")["points_awarded"] == -5
    assert moodle(organisation, FORUM + "deleted", 3, 10, userid="31", objectid="70")["points_awarded"] == 0
    adds_up(organisation)


def test_own_mappings_say_what_withdraws_what(organisation, adds_up):
    """An institution's own plugin: one event gives, another takes back, by the same object."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    mappings = {
        "\\local_peer\\event\\handed_in": {
            "event": "peer.submitted", "learner": "userid", "once_per": "object", "points": 12,
        },
        "\\local_peer\\event\\taken_out": {
            "event": "peer.removed", "learner": "relateduserid", "once_per": "event",
            "withdraws": {"event": "peer.submitted", "when": {"kind": ["final"]}},
        },
    }  # fmt: skip
    assert organisation.api.patch(path, {"mappings": mappings}).status_code == 200
    moodle(organisation, "\\local_peer\\event\\handed_in", 1, 0, userid="31", objectid="8")
    for number, kind, points in ((2, "trial", 12), (3, "final", 0)):
        fields = {"userid": "5", "relateduserid": "31", "objectid": "8", "other_kind": kind}
        moodle(organisation, "\\local_peer\\event\\taken_out", number, number, **fields)
        assert organisation.api.points("moodle:31") == points
    adds_up(organisation)


@pytest.mark.parametrize(
    ("withdraws", "path"),
    [
        (5, "withdraws"),
        ({"event": "Forum Posted"}, "withdraws.event"),
        ("lesson.completed", "withdraws.event"),
        ({"event": "forum.posted", "by": "a.b"}, "withdraws.by"),
        ({"event": "forum.posted", "when": {"a": "b"}}, "withdraws.when"),
        ({"event": "forum.posted", "whne": {}}, "withdraws.whne"),
    ],
)
def test_what_a_mapping_may_not_say(organisation, withdraws, path):
    """A withdrawal that can't be used is refused by its path."""
    name = "\\local_peer\\event\\taken_out"
    mapping = {"event": "peer.removed", "learner": "userid", "once_per": "event", "withdraws": withdraws}
    answer = organisation.api.patch(
        f"/v1/sources/{organisation.moodle.source_id}", {"mappings": {name: mapping}}
    )
    assert answer.status_code == 400
    assert f"mappings.{name}.{path}" in [one["path"] for one in answer.json()["details"]["errors"]]


def test_a_custom_platform_says_what_withdraws_what(organisation, adds_up):
    """`withdraws` of a custom mapping names both events as they are called here."""
    mappings = {
        "event": {"from": "$.type", "table": {"new": "comment.written", "gone": "comment.removed"}},
        "user_id": "$.who",
        "timestamp": "$.at",
        "properties": {"object_id": "$.comment"},
        "withdraws": {"comment.removed": "comment.written"},
    }
    made = organisation.api.post("/v1/sources", {"kind": "custom", "name": "lms", "mappings": mappings})
    assert made.status_code == 201, made.text
    rule = {"rule_id": "comments", "trigger": "comment.written", "actions": {"award_points": 3}}
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    for number, kind, points in ((1, "new", 3), (2, "new", 6), (1, "gone", 3)):
        body = {"type": kind, "who": "anna", "comment": number, "at": f"2026-03-02T10:0{number}:30Z"}
        if kind == "gone":
            body["at"] = "2026-03-02T11:00:00Z"
        organisation.server.client.post("/api/public/hook/custom/event", json=body, headers=headers)
        assert organisation.api.points("lms:anna") == points
    adds_up(organisation)


def test_a_withdrawn_attempt_of_which_the_best_counts(make_organisation, adds_up):
    """What the best attempt had added is taken back with it, and a later one is measured by what stands."""
    organisation = make_organisation(rules=[])
    rule = {
        "rule_id": "quiz",
        "trigger": "quiz.completed",
        "actions": {"award_points": {"from": "score", "best": True}},
        "constraints": {"unique_by": ["quiz_id"]},
    }
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    given = []
    for number, score in enumerate((40, 25, 60)):
        properties = {"quiz_id": "7", "attempt_id": str(number), "score": score}
        given.append(organisation.api.event("quiz.completed", properties=properties)["points_awarded"])
    assert given == [40, 0, 20]
    gone = {"timestamp": "2026-03-02T11:00:00Z", "properties": {"attempt_id": "2"}}
    assert organisation.api.event("quiz.attempt_deleted", **gone)["points_awarded"] == -20
    assert organisation.api.points("anna") == 40
    last = {"quiz_id": "7", "attempt_id": "3", "score": 70}
    assert organisation.api.event("quiz.completed", properties=last)["points_awarded"] == 30
    adds_up(organisation)


def test_a_rule_that_is_tried_gives_nothing_for_what_was_deleted(organisation):
    """Simulation takes back from the new rules too, whatever arrived first."""
    moodle(organisation, FORUM + "created", 1, 0, userid="31", objectid="70")
    moodle(organisation, FORUM + "deleted", 2, 60, userid="31", objectid="70")
    moodle(organisation, FORUM + "deleted", 4, 80, userid="31", objectid="71")
    moodle(organisation, FORUM + "created", 3, 70, userid="31", objectid="71")
    moodle(organisation, FORUM + "created", 5, 90, userid="31", objectid="72")
    rules = [
        {"rule_id": "forum_posted", "trigger": "forum.posted", "actions": {"award_points": 8}},
        {"rule_id": "more", "trigger": "forum.posted", "actions": {"award_points": 2}},
    ]
    answer = organisation.api.post("/v1/rules/simulate", {"rules": rules, "since": "1d"}).json()
    assert (answer["points_current"], answer["points_candidate"]) == (5, 10)


GLOSSARY, DATA = "\\mod_glossary\\event\\entry_", "\\mod_data\\event\\record_"
AUTHORED = [
    ("\\mod_forum\\event\\discussion_", "forum.discussion_started"),
    (GLOSSARY, "glossary.entry_added"),
    (DATA, "database.entry_added"),
]


@pytest.mark.parametrize(("eventname", "event"), AUTHORED, ids=[case[1] for case in AUTHORED])
@pytest.mark.parametrize("teacher", ["44", "5"], ids=["teacher", "staff"])
def test_what_a_teacher_deleted_is_taken_back_from_its_author(
    make_organisation, adds_up, eventname: str, event: str, teacher: str
):
    """Where Moodle names only who deleted something, its author is found by the thing's id; who deleted loses
    nothing, also not of an own thing with another id."""
    rule = parse_rule(
        {"rule_id": "made", "trigger": {"event": event}, "actions": {"award_points": 8}, "constraints": {}}
    )
    organisation = make_organisation(rules=[rule])
    assert (
        moodle(organisation, eventname + "created", 1, 0, userid="31", objectid="70")["points_awarded"] == 8
    )
    assert (
        moodle(organisation, eventname + "created", 2, 1, userid="44", objectid="71")["points_awarded"] == 8
    )
    gone = moodle(organisation, eventname + "deleted", 3, 60, userid=teacher, objectid="70")
    assert (gone["status"], gone["points_awarded"]) == ("success", -8)
    stored = organisation.api.read(gone["event_id"])
    assert stored["user_id"] == "moodle:31"
    assert "who made what was deleted" in stored["metadata"]["notes"][-1]
    unknown = moodle(organisation, eventname + "deleted", 4, 70, userid=teacher, objectid="99")
    assert unknown["points_awarded"] == 0
    assert moodle(organisation, eventname + "deleted", 3, 60, userid=teacher, objectid="70")["status"] == (
        "duplicate"
    )
    assert [organisation.api.points(f"moodle:{user}") for user in (31, 44)] == [0, 8]
    again = organisation.api.post(f"/v1/events/{gone['event_id']}/retry")
    assert again.status_code == 200, again.text
    assert [organisation.api.points(f"moodle:{user}") for user in (31, 44)] == [0, 8]
    adds_up(organisation)


def test_a_teachers_deletion_that_arrives_first(make_organisation, adds_up):
    """It takes nothing from anybody; run again after the making has arrived, it finds the author."""
    rule = parse_rule(
        {"rule_id": "made", "trigger": {"event": "glossary.entry_added"}, "actions": {"award_points": 8}}
    )
    organisation = make_organisation(rules=[rule])
    gone = moodle(organisation, GLOSSARY + "deleted", 3, 60, userid="44", objectid="70")
    assert gone["points_awarded"] == 0
    assert moodle(organisation, GLOSSARY + "created", 1, 0, userid="31", objectid="70")["points_awarded"] == 8
    again = organisation.api.post(f"/v1/events/{gone['event_id']}/retry")
    assert again.status_code == 200, again.text
    assert [organisation.api.points(f"moodle:{user}") for user in (31, 44)] == [0, 0]
    adds_up(organisation)


@pytest.mark.parametrize("points", [0, 3])
def test_what_is_taken_back_names_the_version_that_gave_it(make_organisation, adds_up, points):
    """A badge or points of version 1 are taken back in the name of version 1, though the rule was changed."""
    give = {"issue_badge": "quiz_master"} | ({"award_points": points} if points else {})
    rule = {"rule_id": "posted", "trigger": {"event": "forum.posted"}, "actions": give}
    organisation = make_organisation(rules=[parse_rule(rule)])
    learner = {"objectid": "70", "userid": "31", "relateduserid": "31"}
    moodle(organisation, FORUM + "created", 1, 0, **learner)
    changed = rule | {"constraints": {"max_per_day": 5}}
    assert organisation.api.request("PUT", "/v1/rules/posted", json=changed).json()["version"] == 2
    gone = moodle(organisation, FORUM + "deleted", 2, 60, **learner)
    (reversed_,) = [
        one for one in organisation.api.read(gone["event_id"])["decisions"] if one["outcome"] == "reversed"
    ]
    assert (reversed_["rule_id"], reversed_["rule_version"]) == ("posted", 1)
    adds_up(organisation)
