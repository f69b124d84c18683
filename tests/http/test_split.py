"""A wrong link is taken apart: whose the history is then, what is refused, and that the ledger is proved."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from rocket_server.leaderboards import refresh

BADGE = "quiz_master"


def link(organisation, *identities):
    """Make several identities one person, wrongly."""
    first, *others = identities
    response = organisation.api.post("/v1/users", {"user_id": first, "identities": others})
    assert response.status_code == 201, response.text


def split(organisation, user_id, *identities, **fields):
    return organisation.api.post(f"/v1/users/{user_id}/split", {"identities": list(identities), **fields})


def course(organisation, user_id, number, course_id="7"):
    return organisation.api.event(
        "course.completed", user_id, event_id=f"{user_id} {number}", properties={"course_id": course_id}
    )


def lesson(organisation, user_id, name, hour):
    return organisation.api.event(
        f"lesson.{name}",
        user_id,
        event_id=f"{user_id} {name} {hour}",
        timestamp=f"2026-03-02T{hour:02}:00:00Z",
        properties={"lesson_id": "l1"},
    )


def test_three_who_were_one_are_three_with_fifty_each(organisation, adds_up):
    """50, 0 and 0 of one person become 50, 50 and 50 of three; ids, events and entries follow."""
    link(organisation, "moodle:31", "moodle:32", "moodle:33")
    given = [course(organisation, f"moodle:{who}", 1)["points_awarded"] for who in (31, 32, 33)]
    assert given == [50, 0, 0]
    for who, again in (("moodle:32", 1), ("moodle:33", 0)):
        answer = split(organisation, "moodle:31", who)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["status"], shown["user_id"], shown["new_user_id"]) == ("split", "moodle:31", who)
        assert shown["followed"] == {"identities": [who], "events": 1, "events_judged_again": again}
        assert shown["points"] == {"before": 50, "left": 50, "new": 50}
        assert not shown["more"]
    for who in ("moodle:31", "moodle:32", "moodle:33"):
        assert organisation.api.points(who) == 50
        (event,) = organisation.api.get(f"/v1/users/{who}/events").json()["events"]
        assert (event["user_id"], event["points_awarded"]) == (who, 50)
        assert organisation.api.get(f"/v1/users/{who}").json()["identities"] == [who]
    adds_up(organisation)


def test_what_the_other_had_used_up_is_given_to_who_stays(organisation, adds_up):
    """Where the one who leaves had come first, both have the course's points afterwards."""
    link(organisation, "anna", "crm:9")
    assert [course(organisation, who, 1)["points_awarded"] for who in ("crm:9", "anna")] == [50, 0]
    shown = split(organisation, "anna", "crm:9").json()
    assert shown["followed"]["events_judged_again"] == 1
    assert (organisation.api.points("anna"), organisation.api.points("crm:9")) == (50, 50)
    adds_up(organisation)


def test_a_preview_changes_nothing(organisation, adds_up):
    """With `dry_run` the answer is what would follow, and everything stays as it was."""
    link(organisation, "anna", "crm:9")
    course(organisation, "crm:9", 1)
    course(organisation, "anna", 1)
    before = organisation.api.get("/v1/users/anna/ledger").json()
    shown = split(organisation, "anna", "crm:9", dry_run=True).json()
    assert (shown["status"], shown["split_id"], shown["split_at"]) == ("preview", None, None)
    assert shown["points"] == {"before": 50, "left": 50, "new": 50}
    assert organisation.api.get("/v1/users/crm:9").json()["user_id"] == "anna"
    assert organisation.api.get("/v1/users/anna/ledger").json() == before
    assert split(organisation, "anna", "crm:9").json()["status"] == "split"
    adds_up(organisation)


def test_sent_again_it_changes_nothing(organisation):
    """The same split again answers the first one's id, and no entry is added."""
    link(organisation, "anna", "crm:9", "crm:10")
    course(organisation, "crm:9", 1)
    first = split(organisation, "anna", "crm:9", "crm:10").json()
    ledgers = [organisation.api.get(f"/v1/users/{who}/ledger").json() for who in ("anna", "crm:9")]
    again = split(organisation, "anna", "crm:9", "crm:10").json()
    assert (again["status"], again["split_id"]) == ("already_split", first["split_id"])
    assert again["followed"]["events"] == 0
    assert ledgers == [organisation.api.get(f"/v1/users/{who}/ledger").json() for who in ("anna", "crm:9")]
    assert organisation.api.get("/v1/users/crm:10").json()["user_id"] == "crm:9"


def test_who_did_it_is_kept_and_told(organisation):
    """Both learners' changes name who did it, and webhooks are told by `user.split`."""
    made = organisation.api.post(
        "/v1/webhooks", {"url": "https://receiver.example/", "events": ["user.split"]}
    )
    link(organisation, "anna", "crm:9")
    split(organisation, "anna", "crm:9")
    for who in ("anna", "crm:9"):
        change = organisation.api.get(f"/v1/users/{who}/changes").json()["changes"][0]
        assert change["action"] == "split"
        assert change["actor"]
        assert change["detail"]["identities"] == 1
    (told,) = organisation.api.get(f"/v1/webhooks/{made.json()['id']}/deliveries").json()["deliveries"]
    assert told["event"] == "user.split"


def test_new_events_are_the_new_learners(organisation):
    """What arrives afterwards under the identity counts for who has it now."""
    link(organisation, "anna", "crm:9")
    split(organisation, "anna", "crm:9")
    assert course(organisation, "crm:9", 1)["points_awarded"] == 50
    assert organisation.api.points("anna") == 0


def test_what_was_given_by_hand_stays(organisation, adds_up):
    """Points and badges that somebody gave to the person stay with the one who is left."""
    link(organisation, "anna", "crm:9")
    organisation.api.post("/v1/points/award", {"user_id": "crm:9", "points": 30, "reason": "r"})
    organisation.api.post("/v1/badges/award", {"user_id": "crm:9", "badge_id": BADGE})
    split(organisation, "anna", "crm:9")
    assert (organisation.api.points("anna"), organisation.api.points("crm:9")) == (30, 0)
    assert len(organisation.api.get("/v1/users/anna/badges").json()["badges"]) == 1
    adds_up(organisation)


def test_states_of_modules_follow(organisation, adds_up):
    """A lesson that both completed and one withdrew pays who completed it, and not who withdrew."""
    link(organisation, "anna", "crm:9")
    lesson(organisation, "anna", "completed", 8)
    lesson(organisation, "crm:9", "completed", 9)
    lesson(organisation, "crm:9", "reopened", 10)
    assert organisation.api.points("anna") == 0
    split(organisation, "anna", "crm:9")
    assert (organisation.api.points("anna"), organisation.api.points("crm:9")) == (10, 0)
    lesson(organisation, "anna", "reopened", 11)
    assert organisation.api.points("anna") == 0
    lesson(organisation, "crm:9", "completed", 12)
    assert organisation.api.points("crm:9") == 10
    adds_up(organisation)


def test_badges_by_rule_and_by_criteria_follow(organisation, adds_up):
    """A badge that an event of the other had earned is the other's; criteria count each one's own events."""
    api = organisation.api
    rule = {
        "rule_id": "master",
        "trigger": "quiz.completed",
        "actions": {"award_points": 3, "issue_badge": BADGE},
        "constraints": {"once": True},
    }
    assert api.post("/v1/rules", rule).status_code == 201
    criteria = {"events": [{"event": "forum.posted", "count": 2}]}
    assert (
        api.post("/v1/badges", {"badge_id": "talker", "name": "T", "criteria": criteria}).status_code == 201
    )
    link(organisation, "anna", "crm:9")
    api.event("quiz.completed", "crm:9", event_id="q1", properties={"attempt_id": "1"})
    api.event("forum.posted", "anna", event_id="f1")
    api.event("forum.posted", "crm:9", event_id="f2")

    def held(who):
        badges = api.get(f"/v1/users/{who}/badges").json()["badges"]
        return sorted(badge["badge_id"] for badge in badges)

    assert held("anna") == [BADGE, "talker"]
    split(organisation, "anna", "crm:9")
    assert (held("anna"), held("crm:9")) == ([], [BADGE])
    adds_up(organisation)
    for who in ("anna", "crm:9"):
        api.event("forum.posted", who, event_id=f"f3 {who}")
    assert (held("anna"), held("crm:9")) == (["talker"], [BADGE, "talker"])
    adds_up(organisation)


def test_a_merge_can_be_taken_apart(organisation, adds_up):
    """Two learners who were merged by mistake are two again, with what their events are worth."""
    course(organisation, "anna", 1)
    course(organisation, "ben", 1)
    course(organisation, "ben", 2, "8")
    organisation.api.post("/v1/users/anna/merge", {"from": "ben"})
    assert organisation.api.points("anna") == 150
    split(organisation, "anna", "ben")
    assert (organisation.api.points("anna"), organisation.api.points("ben")) == (50, 100)
    adds_up(organisation)


def test_the_address_goes_with_its_identity(organisation):
    """Each has the address that the platforms tell of their own identities."""
    for number, (who, email) in enumerate((("crm:9", "cy@example.org"), ("lms:1", "ada@example.org"))):
        organisation.api.post(
            "/v1/events",
            {
                "event": "user.logged_in",
                "occurred_at": f"2026-03-0{number + 2}T10:00:00Z",
                "user": {"id": who, "email": email, "external_ids": ["lms:1", "crm:9"]},
            },
        )
    assert organisation.api.get("/v1/users/lms:1").json()["user_id"] == "crm:9"
    split(organisation, "crm:9", "lms:1")
    emails = [organisation.api.get(f"/v1/users/{who}").json()["email"] for who in ("crm:9", "lms:1")]
    assert emails == ["cy@example.org", "ada@example.org"]


@pytest.mark.parametrize(
    ("user_id", "body", "status", "field"),
    [
        ("nobody", {"identities": ["crm:9"]}, 404, "user_id"),
        ("anna", {"identities": ["crm:8"]}, 400, "identities[0]"),
        ("anna", {"identities": ["crm:9", "ben"]}, 400, "identities[1]"),
        ("anna", {"identities": ["anna"]}, 400, "identities[0]"),
        ("anna", {"identities": ["crm:9", "crm:9"]}, 400, "identities"),
        ("anna", {"identities": []}, 400, "identities"),
        ("anna", {"identities": ["crm:9"], "from": "x"}, 400, "from"),
    ],
)
def test_what_can_not_be_split_is_refused(organisation, user_id, body, status, field):
    """An identity of somebody else's, the one that stays, nobody: refused by name, and nothing changes."""
    link(organisation, "anna", "crm:9")
    link(organisation, "ben")
    response = organisation.api.post(f"/v1/users/{user_id}/split", body)
    assert response.status_code == status, response.text
    assert response.json()["details"]["field"] == field
    assert organisation.api.get("/v1/users/anna").json()["identities"] == ["anna", "crm:9"]


def test_another_organisations_people_are_not_touched(organisation, make_organisation):
    """The same ids elsewhere stay one person."""
    other = make_organisation()
    for place in (organisation, other):
        link(place, "anna", "crm:9")
    split(organisation, "anna", "crm:9")
    assert other.api.get("/v1/users/crm:9").json()["user_id"] == "anna"


def test_boards_follow(organisation, portal, store):
    """On a leaderboard that had counted both as one, each has their own place."""

    async def count():
        async with store.transaction() as conn:
            await refresh.refresh(conn, organisation.organisation_id, datetime.now(UTC))

    link(organisation, "anna", "crm:9")
    for who, numbers in (("anna", (1,)), ("crm:9", (1, 2))):
        for number in numbers:
            course(organisation, who, number, f"{who} {number}")
    portal.call(count)
    split(organisation, "anna", "crm:9")
    portal.call(count)
    places = organisation.api.get("/v1/leaderboard").json()["standings"]
    assert [(place["user_id"], place["points"]) for place in places] == [("crm:9", 100), ("anna", 50)]


@pytest.mark.parametrize("seed", range(6))
def test_apart_they_have_what_they_would_have_had(organisation, make_organisation, adds_up, seed):
    """Random histories of two who were linked by mistake: afterwards each has the points, of each event too,
    that the same events give to two who never were one."""
    rng = random.Random(seed)
    never = make_organisation()
    link(organisation, "anna", "crm:9")
    events = []
    for number in range(80):
        name = rng.choice(
            [
                *("course.completed", "forum.posted", "quiz.completed", "assignment.submitted"),
                *("lesson.completed", "lesson.reopened", "assignment.removed", "forum.post_deleted"),
            ]
        )
        events.append(
            {
                "event": name,
                "user_id": rng.choice(["anna", "crm:9"]),
                "timestamp": 1772445600 + number * 60 * rng.choice([1, 400]),
                "event_id": f"e{number}",
                "properties": {
                    "course_id": str(rng.randrange(3)),
                    "lesson_id": f"l{rng.randrange(2)}",
                    "attempt_id": str(rng.randrange(9)),
                    "object_id": str(rng.randrange(5)),
                },
            }
        )
    for place in (organisation, never):
        for start in range(0, len(events), 7):
            assert (
                place.api.post("/v1/events/batch", {"events": events[start : start + 7]}).status_code == 200
            )
    assert split(organisation, "anna", "crm:9").status_code == 200
    for who in ("anna", "crm:9"):
        assert organisation.api.points(who) == never.api.points(who)
        mine, theirs = (
            {
                event["source_event_id"]: event["points_awarded"]
                for event in place.api.get(f"/v1/users/{who}/events", limit=200).json()["events"]
            }
            for place in (organisation, never)
        )
        assert mine == theirs
    adds_up(organisation)
