"""Two learners who are one person: what follows, what stays, what is refused, and who arrives meanwhile."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from rocket_server.rules.parse import parse_rule


def merge(organisation, into, who, **fields):
    return organisation.api.post(f"/v1/users/{into}/merge", {"from": who, **fields})


def give(organisation, user_id, points, kind="award"):
    body = {"user_id": user_id, "points": points, "reason": f"{kind} of {points}"}
    response = organisation.api.post(f"/v1/points/{kind}", body)
    assert response.status_code == 200, response.text
    return response.json()["entry_id"]


def forum_post(organisation, user_id, number):
    return organisation.api.event("forum.posted", user_id, event_id=f"{user_id} {number}")


def balance(organisation, user_id):
    found = organisation.api.get(f"/v1/users/{user_id}/balance").json()
    return found["points"], found["earned"], found["spent"]


def entries(organisation, user_id, limit=50):
    """All of a learner's entries, page by page."""
    found, cursor = [], None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = organisation.api.get(f"/v1/users/{user_id}/ledger", **query).json()
        found += page["entries"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_everything_follows(organisation, adds_up):
    """Balance, history, events, identities, name and address of the one are the other's afterwards."""
    api = organisation.api
    api.post("/v1/users", {"user_id": "anna", "identities": ["crm:1"]})
    api.post(
        "/v1/users",
        {"user_id": "ben", "identities": ["moodle:9"], "email": "ben@example.org", "name": "Ben Low"},
    )
    api.event("course.completed", "anna", properties={"course_id": "1"})
    api.event("course.completed", "moodle:9", properties={"course_id": "2"})
    give(organisation, "ben", 30)
    give(organisation, "ben", 12, "deduct")
    answer = merge(organisation, "anna", "moodle:9")
    assert answer.status_code == 200, answer.text
    answer = answer.json()
    assert (answer["status"], answer["user_id"]) == ("merged", "anna")
    assert answer["followed"] == {
        "points": 68,
        "earned": 80,
        "spent": 12,
        "entries": 3,
        "identities": ["ben", "moodle:9"],
        "events": 1,
        "counted_awards": 1,
        "completions": 0,
        "badges": [],
        "badges_held_by_both": [],
    }
    for identity in ("anna", "crm:1", "ben", "moodle:9"):
        assert balance(organisation, identity) == (118, 130, 12)
        shown = api.get(f"/v1/users/{identity}").json()
        assert (shown["user_id"], shown["name"], shown["email"]) == ("anna", "Ben Low", "ben@example.org")
        assert shown["identities"] == ["anna", "ben", "crm:1", "moodle:9"]
        assert len(api.get(f"/v1/users/{identity}/events").json()["events"]) == 2
    assert [user["user_id"] for user in api.get("/v1/users").json()["users"]] == ["anna"]
    assert [
        user["user_id"] for user in api.get("/v1/users/search", email="BEN@example.org").json()["users"]
    ] == ["anna"]
    history = entries(organisation, "ben", limit=2)
    assert history == entries(organisation, "anna", limit=500)
    assert sum(entry["points"] for entry in history) == 118
    assert Counter(entry["kind"] for entry in history) == {"award": 3, "deduction": 1, "transfer": 4}
    assert {entry["reason"] for entry in history} >= {"award of 30", "deduct of 12"}
    give(organisation, "ben", 2)
    assert balance(organisation, "anna") == (120, 132, 12)
    adds_up(organisation)


def test_history_says_who_merged_whom(organisation):
    """A merge leaves a note with the hand behind it and the counts, without names."""
    give(organisation, "anna", 1)
    give(organisation, "ben", 2)
    made = merge(organisation, "anna", "ben").json()
    (note,) = organisation.api.get("/v1/users/ben/changes").json()["changes"]
    assert (note["action"], note["change_id"]) == ("merged", made["merge_id"])
    assert note["actor"].startswith("key:rk_")
    assert note["detail"]["followed"]["points"] == 2
    assert "ben" not in str(note)


def test_a_cap_holds_as_for_one_person(organisation, adds_up):
    """Two posts as one and one as the other leave none of the day's three; nobody gets a fourth."""
    forum_post(organisation, "anna", 1)
    forum_post(organisation, "anna", 2)
    forum_post(organisation, "ben", 1)
    merge(organisation, "anna", "ben")
    for number, user_id in enumerate(("anna", "ben"), 10):
        answer = forum_post(organisation, user_id, number)
        assert (answer["points_awarded"], answer["decisions"][0]["outcome"]) == (0, "cap_reached")
    (cap,) = [
        limit
        for limit in organisation.api.get("/v1/users/ben/limits").json()["limits"]
        if limit["limit"] == 3
    ]
    assert cap["constraint"] == "max_per_day"
    adds_up(organisation)


def test_what_both_were_awarded_once_stays(organisation, adds_up):
    """The same course completed by both before the merge stays paid twice; a third time pays nothing."""
    for user_id in ("anna", "ben"):
        organisation.api.event("course.completed", user_id, properties={"course_id": "1"})
        for number in range(3):
            forum_post(organisation, user_id, number)
    merge(organisation, "anna", "ben")
    assert balance(organisation, "anna")[0] == 130
    third = organisation.api.event("course.completed", "ben", properties={"course_id": "1"}, event_id="3")
    assert (third["points_awarded"], third["decisions"][0]["outcome"]) == (0, "already_awarded")
    adds_up(organisation)


def test_an_award_too_many_after_the_merge_is_found(organisation, owner, portal, store):
    """Verification lets stand what both had before, and still finds one award too many made afterwards."""
    from rocket_server.verify.proof import verify

    def differences():
        async def work():
            async with store.transaction() as conn:
                return await verify(conn, organisation.organisation_id)

        return portal.call(work)

    for user_id in ("anna", "ben"):
        for number in range(3):
            forum_post(organisation, user_id, number)
    merge(organisation, "anna", "ben")
    forum_post(organisation, "anna", 9)
    assert differences() == []
    # As if the counters had not followed: the day is full, and yet it pays again.
    owner.execute("DELETE FROM award_marks WHERE organisation_id = $1", organisation.organisation_id)
    assert forum_post(organisation, "anna", 10)["points_awarded"] == 5
    assert any("one award too many for max_per_day" in one.message for one in differences())


def test_a_withdrawn_completion_takes_back_what_either_had_for_it(organisation, adds_up):
    """A lesson that both had completed is reopened: both awards are reversed, and it pays anew."""
    for number, user_id in enumerate(("anna", "ben")):
        organisation.api.event(
            "lesson.completed", user_id, properties={"lesson_id": "l1"}, event_id=f"e{number}"
        )
    merge(organisation, "anna", "ben")
    later = "2026-03-02T11:00:00Z"
    reopened = organisation.api.event(
        "lesson.reopened", "ben", properties={"lesson_id": "l1"}, event_id="r", timestamp=later
    )
    assert reopened["points_awarded"] == -20
    assert balance(organisation, "anna") == (0, 0, 0)
    adds_up(organisation)
    again = organisation.api.event(
        "lesson.completed",
        "anna",
        properties={"lesson_id": "l1"},
        event_id="again",
        timestamp="2026-03-02T12:00:00Z",
    )
    assert again["points_awarded"] == 10
    adds_up(organisation)


def test_the_latest_state_of_a_lesson_counts(organisation, adds_up):
    """Where the states of a lesson differ, the later one is the person's, whoever had it."""
    organisation.api.event("lesson.completed", "anna", properties={"lesson_id": "l1"}, event_id="1")
    for number, name in enumerate(("lesson.completed", "lesson.reopened")):
        organisation.api.event(
            name,
            "ben",
            properties={"lesson_id": "l1"},
            event_id=f"b{number}",
            timestamp=f"2026-03-02T1{number + 1}:00:00Z",
        )
    merge(organisation, "anna", "ben")
    late = organisation.api.event(
        "lesson.completed",
        "anna",
        properties={"lesson_id": "l1"},
        event_id="late",
        timestamp="2026-03-02T11:30:00Z",
    )
    assert late["decisions"][0]["detail"]["reason"] == "withdrawn_later"
    adds_up(organisation)


def test_an_old_award_is_reversed_at_the_one_who_is_left(organisation, adds_up):
    """An entry from before the merge is taken back from the person's balance, once, and frees its cap."""
    first = organisation.api.event("course.completed", "ben", properties={"course_id": "1"}, event_id="1")
    give(organisation, "anna", 5)
    merge(organisation, "anna", "ben")
    entry_id = first["decisions"][0]["detail"]["entry_id"]
    body = {"entry_id": entry_id, "reason": "a mistake"}
    assert organisation.api.post("/v1/points/reverse", body).json()["balance"] == 5
    assert organisation.api.post("/v1/points/reverse", body).status_code == 409
    transfer = next(one for one in entries(organisation, "anna") if one["kind"] == "transfer")
    refused = organisation.api.post("/v1/points/reverse", {"entry_id": transfer["entry_id"], "reason": "x"})
    assert refused.status_code == 409
    again = organisation.api.event("course.completed", "anna", properties={"course_id": "1"}, event_id="2")
    assert again["points_awarded"] == 50
    adds_up(organisation)


def test_an_old_event_is_run_again_for_the_person(organisation, adds_up):
    """Running an event of the one who was merged reverses and awards at the one who is left."""
    first = organisation.api.event("course.completed", "ben", properties={"course_id": "1"})
    give(organisation, "anna", 5)
    assert merge(organisation, "anna", "ben").status_code == 200
    again = organisation.api.post(f"/v1/events/{first['event_id']}/retry").json()
    assert again["points_awarded"] == 50
    assert balance(organisation, "ben") == (55, 55, 0)
    adds_up(organisation)


def test_a_debt_follows(organisation, adds_up):
    """Who spent what was taken back later owes it also after a merge."""
    entry = give(organisation, "ben", 10)
    give(organisation, "ben", 8, "deduct")
    organisation.api.post("/v1/points/reverse", {"entry_id": entry, "reason": "x"})
    give(organisation, "anna", 3)
    assert merge(organisation, "anna", "ben").json()["followed"]["points"] == -8
    assert balance(organisation, "anna") == (-5, 3, 8)
    adds_up(organisation)


def test_badges_are_held_once(make_organisation, adds_up):
    """A badge of either is the person's; one that both held is shown once."""
    rules = [
        {"rule_id": name, "trigger": {"event": event}, "actions": {"award_points": 1, "issue_badge": badge}}
        for name, event, badge in (
            ("a", "course.completed", "course_master"),
            ("b", "quiz.completed", "quiz_master"),
        )
    ]
    organisation = make_organisation(rules=[parse_rule(rule) for rule in rules])
    organisation.api.event("course.completed", "anna")
    organisation.api.event("course.completed", "ben")
    organisation.api.event("quiz.completed", "ben")
    followed = merge(organisation, "anna", "ben").json()["followed"]
    assert (followed["badges"], followed["badges_held_by_both"]) == (["quiz_master"], ["course_master"])
    held = organisation.api.get("/v1/users/ben/badges").json()["badges"]
    assert sorted(badge["badge_id"] for badge in held) == ["course_master", "quiz_master"]
    assert organisation.api.event("quiz.completed", "anna", event_id="again")["badges"] == []
    adds_up(organisation)


def test_weeks_are_counted_together_and_as_they_were(organisation):
    """A streak counts what both earned in each week; moving the balance is no week's success."""
    now = datetime.now(UTC).timestamp()
    week = 7 * 86_400
    for weeks_ago in (1, 2, 3, 4):
        for user_id in ("anna", "ben"):
            organisation.api.event(
                "quiz.completed",
                user_id,
                timestamp=now - weeks_ago * week,
                properties={"attempt_id": f"{user_id}{weeks_ago}"},
            )
    organisation.api.patch("/v1/organisation", {"weekly_goal": 40})
    assert organisation.api.get("/v1/users/anna/balance").json()["streak_weeks"] == 0
    merge(organisation, "anna", "ben")
    shown = organisation.api.get("/v1/users/anna/balance").json()
    assert (shown["streak_weeks"], shown["rank"], shown["points"]) == (4, "Pilot", 160)


def test_a_preview_changes_nothing(organisation, adds_up):
    """With dry_run the answer is what would follow; both stay two."""
    give(organisation, "anna", 5)
    give(organisation, "ben", 7)
    preview = merge(organisation, "anna", "ben", dry_run=True).json()
    assert (preview["status"], preview["merge_id"], preview["followed"]["points"]) == ("preview", None, 7)
    assert balance(organisation, "ben") == (7, 7, 0)
    assert organisation.api.get("/v1/users/ben").json()["user_id"] == "ben"
    assert merge(organisation, "anna", "ben").json()["followed"] == preview["followed"]
    adds_up(organisation)


def test_merging_again_answers_the_first_time(organisation, adds_up):
    """The same request again changes nothing and names the first merge."""
    give(organisation, "anna", 5)
    give(organisation, "ben", 7)
    first = merge(organisation, "anna", "ben").json()
    again = merge(organisation, "anna", "ben").json()
    assert (again["status"], again["merge_id"], again["merged_at"]) == (
        "already_merged",
        first["merge_id"],
        first["merged_at"],
    )
    assert balance(organisation, "anna") == (12, 12, 0)
    adds_up(organisation)


def test_merges_of_the_merged(organisation, adds_up):
    """Carl into Ben, Ben into Anna, Dora into Anna: one person with everything, under every name."""
    for number, user_id in enumerate(("anna", "ben", "carl", "dora"), 1):
        give(organisation, user_id, number)
        forum_post(organisation, user_id, 1)
    merge(organisation, "ben", "carl")
    forum_post(organisation, "carl", 2)
    assert merge(organisation, "anna", "ben").status_code == 200
    assert merge(organisation, "carl", "dora").json()["user_id"] == "anna"
    for user_id in ("anna", "ben", "carl", "dora"):
        assert balance(organisation, user_id) == (35, 35, 0)
        assert forum_post(organisation, user_id, 9)["points_awarded"] == 0
    history = entries(organisation, "carl", limit=3)
    assert sum(entry["points"] for entry in history) == 35
    assert len({entry["entry_id"] for entry in history}) == len(history)
    assert merge(organisation, "anna", "carl").json()["status"] == "already_merged"
    adds_up(organisation)


@pytest.mark.parametrize(
    ("into", "who", "status", "field"),
    [
        ("anna", "anna", 409, "from"),
        ("anna", "crm:1", 409, "from"),
        ("anna", "nobody", 404, "from"),
        ("nobody", "anna", 404, "user_id"),
        ("anna", "", 400, "from"),
        ("anna", "\x00", 400, "from"),
    ],
)
def test_merges_that_are_refused(organisation, into, who, status, field):
    """Oneself by any identity, strangers and nonsense: the field is named and nothing changes."""
    organisation.api.post("/v1/users", {"user_id": "anna", "identities": ["crm:1"]})
    response = merge(organisation, into, who)
    assert (response.status_code, response.json()["details"]["field"]) == (status, field)


def test_nobody_of_another_organisation_is_merged(organisation, make_organisation):
    """Another organisation's learner is a stranger."""
    other = make_organisation()
    give(other, "ben", 5)
    give(organisation, "anna", 5)
    assert merge(organisation, "anna", "ben").status_code == 404
    assert balance(other, "ben") == (5, 5, 0)


def test_a_merge_while_events_arrive(organisation, second_server, adds_up):
    """Events of both and two merges at once: no error, each event once, caps kept, one person left."""
    other = organisation.on(second_server)
    for user_id in ("anna", "ben"):
        give(organisation, user_id, 1)

    def act(number):
        process = (organisation, other)[number % 2]
        user_id = ("anna", "ben", "moodle:9")[number % 3]
        if number in (7, 8):
            pair = ("anna", "ben") if number == 7 else ("ben", "anna")
            return process.api.post(f"/v1/users/{pair[0]}/merge", {"from": pair[1]})
        if number == 5:
            return process.api.post("/v1/users/ben/identities", {"identities": ["moodle:9"]})
        body = {
            "event": "forum.posted" if number % 4 else "quiz.completed",
            "user_id": user_id,
            "timestamp": "2026-03-02T10:00:00Z",
            "event_id": f"e{number}",
            "properties": {"attempt_id": f"a{number}"},
        }
        return process.api.post("/v1/events", body)

    for round_number in range(3):
        with ThreadPoolExecutor(22) as pool:
            responses = list(pool.map(act, range(22)))
        merges = {7: responses[7], 8: responses[8]}
        assert {one.status_code for one in merges.values()} <= {200, 409}
        assert any(one.status_code == 200 for one in merges.values()) or round_number
        rest = [one for number, one in enumerate(responses) if number not in (5, 7, 8)]
        assert {one.status_code for one in rest} == {200}
    assert balance(organisation, "anna") == balance(organisation, "ben")
    events = organisation.api.get("/v1/events", limit=500).json()["events"]
    assert len(events) == 19
    adds_up(organisation)


def test_one_place_on_the_leaderboard(organisation, portal, store):
    """What both had earned stands in one place after a merge, and goes on there."""
    from rocket_server.leaderboards import refresh

    def standing():
        async def work():
            async with store.transaction() as conn:
                await refresh.refresh(conn, organisation.organisation_id, datetime.now(UTC))

        portal.call(work)
        found = organisation.api.get("/v1/leaderboard", period="all").json()["standings"]
        return {place["user_id"]: place["points"] for place in found}

    give(organisation, "anna", 5)
    first = give(organisation, "ben", 7)
    give(organisation, "carl", 1)
    assert standing() == {"anna": 5, "ben": 7, "carl": 1}
    merge(organisation, "ben", "carl")
    merge(organisation, "anna", "ben")
    assert standing() == {"anna": 13}
    give(organisation, "carl", 2)
    organisation.api.post("/v1/points/reverse", {"entry_id": first, "reason": "x"})
    assert standing() == {"anna": 8}
