"""Leaderboards: who has earned most, and that what is shown is what the ledger says."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rocket_server.leaderboards import refresh
from rocket_server.leaderboards.boards import board_of
from support.command import eventually
from support.working import worker

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def refreshed(portal, store):
    """Bring an organisation's standings up to date, as the worker does; how many entries were counted."""

    def work(organisation, now=None):
        async def pieces():
            counted = 0
            for _ in range(100):
                async with store.transaction() as conn:
                    progress = await refresh.refresh(
                        conn, organisation.organisation_id, now or datetime.now(UTC)
                    )
                counted += progress.counted
                if not progress.more:
                    return counted
            raise AssertionError("the refresh doesn't end")

        return portal.call(pieces)

    return work


def display(organisation, user_id, how):
    """Set how a learner appears."""
    answer = organisation.api.patch(f"/v1/users/{user_id}", {"leaderboard": how})
    assert answer.status_code == 200, answer.text
    assert answer.json()["leaderboard"] == how


def award(organisation, user_id, points):
    answer = organisation.api.post(
        "/v1/points/award", {"user_id": user_id, "points": points, "reason": "good"}
    )
    assert answer.status_code == 200
    return answer.json()["entry_id"]


def board(organisation, **asked):
    answer = organisation.api.get("/v1/leaderboard", **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def places(found):
    return [(place["rank"], place["user_id"], place["points"]) for place in found["standings"]]


def test_an_empty_board(organisation):
    """Before anybody has earned anything there is an answer, and it says that nothing was counted yet."""
    found = board(organisation, period="week")
    assert found["standings"] == []
    assert found["learners"] == 0
    assert found["as_of"] is None
    assert found["next_cursor"] is None


def test_equal_points_share_a_rank(organisation, refreshed):
    """1, 2, 2, 4; spending changes nothing; a reversed award does."""
    for user_id, points in [("anna", 30), ("ben", 20), ("carl", 20), ("dora", 10), ("emil", 5)]:
        award(organisation, user_id, points)
    undone = award(organisation, "emil", 100)
    organisation.api.post("/v1/points/deduct", {"user_id": "anna", "points": 25, "reason": "cup"})
    organisation.api.post("/v1/points/reverse", {"entry_id": undone, "reason": "mistake"})
    refreshed(organisation)
    found = board(organisation)
    assert {(rank, points) for rank, _, points in places(found)} == {(1, 30), (2, 20), (4, 10), (5, 5)}
    assert [place[1] for place in places(found)][::3] == ["anna", "dora"]
    assert found["learners"] == 5
    assert found["as_of"] is not None


def test_pages_and_neighbours(organisation, refreshed):
    """Pages follow each other without a gap; `around` has a learner in the middle, or what there is."""
    for number in range(12):
        award(organisation, f"u{number:02}", 100 - number // 2)  # pairs with equal points
    refreshed(organisation)
    everyone = places(board(organisation, limit=500))
    assert [rank for rank, _, _ in everyone] == [1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11]
    paged, cursor = [], None
    while True:
        page = board(organisation, limit=5, **({"cursor": cursor} if cursor else {}))
        paged += places(page)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == everyone
    for index, (_, user_id, _) in enumerate(everyone):
        for limit in (1, 2, 5, 50):
            near = places(board(organisation, around=user_id, limit=limit))
            first = everyone.index(near[0])
            assert near == everyone[first : first + min(limit, 12)]
            assert first <= index < first + len(near)
        middle = places(board(organisation, around=user_id, limit=5))
        assert everyone.index(middle[0]) == min(max(index - 2, 0), 7)


def test_weeks_months_and_courses(make_organisation, refreshed):
    """Points count in the local week and month in which the event occurred, however late it arrives."""
    organisation = make_organisation(timezone="Europe/Paris")
    api = organisation.api
    # Sunday 23:30 in UTC is Monday in Paris.
    for number, (when, course) in enumerate(
        [("2026-03-08T22:30:00Z", "c1"), ("2026-03-08T23:30:00Z", "c1"), ("2026-04-01T10:00:00Z", "c2")]
    ):
        api.event("course.completed", timestamp=when, properties={"course_id": course}, user_id=f"u{number}")
    refreshed(organisation)
    assert places(board(organisation, period="week", at="2026-03-08")) == [(1, "u0", 50)]
    assert places(board(organisation, period="week", at="2026-03-09")) == [(1, "u1", 50)]
    assert len(places(board(organisation, period="month", at="2026-03-20"))) == 2
    assert places(board(organisation, course="c2")) == [(1, "u2", 50)]
    assert places(board(organisation, course="c2", period="week", at="2026-03-09")) == []
    assert places(board(organisation, course="c1", period="week", at="2026-03-15")) == [(1, "u1", 50)]
    week = board(organisation, period="week", at="2026-03-29")
    assert (week["since"], week["until"]) == ("2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z")


def test_a_withdrawn_completion_leaves_the_week_it_was_in(organisation, refreshed):
    """The reversal comes later, but takes the points from where they had been counted."""
    lesson = {"lesson_id": "l1", "course_id": "c1"}
    organisation.api.event("lesson.completed", timestamp="2026-03-02T10:00:00Z", properties=lesson)
    refreshed(organisation)
    assert places(board(organisation, period="week", at="2026-03-02")) == [(1, "anna", 10)]
    organisation.api.event("lesson.reopened", timestamp="2026-03-20T10:00:00Z", properties=lesson)
    refreshed(organisation)
    for asked in ({"period": "week", "at": "2026-03-02"}, {"period": "week", "at": "2026-03-20"}, {}):
        assert places(board(organisation, **asked)) == []
    assert board(organisation, course="c1")["learners"] == 0


def test_hidden_and_anonymous(organisation, refreshed):
    """Who is hidden has no place and takes none; who is anonymous keeps his place without a name."""
    for user_id, points in [("anna", 30), ("ben", 20), ("carl", 10)]:
        award(organisation, user_id, points)
    refreshed(organisation)
    display(organisation, "anna", "hidden")
    display(organisation, "ben", "anonymous")
    assert places(board(organisation)) == [(1, None, 20), (2, "carl", 10)]
    assert board(organisation)["learners"] == 2
    assert places(board(organisation, around="anna")) == []
    award(organisation, "anna", 1)
    refreshed(organisation)
    display(organisation, "anna", "shown")
    assert places(board(organisation)) == [(1, "anna", 31), (2, None, 20), (3, "carl", 10)]


def test_how_somebody_appears_is_his_setting(organisation):
    """It is shown with the learner, each change of it is noted once, and anything else is refused."""
    organisation.api.event("course.viewed")
    assert organisation.api.get("/v1/users/anna").json()["leaderboard"] == "shown"
    for how in ("anonymous", "anonymous", "shown"):
        display(organisation, "anna", how)
    notes = organisation.api.get("/v1/users/anna/changes").json()["changes"]
    assert [note["detail"] for note in notes] == [{"fields": ["leaderboard"]}] * 2
    for wrong in ("secret", None, True):
        answer = organisation.api.patch("/v1/users/anna", {"leaderboard": wrong, "name": "Anna"})
        assert answer.status_code == 400
        assert [one["path"] for one in answer.json()["details"]["errors"]] == ["leaderboard"]
    assert organisation.api.get("/v1/users/anna").json()["name"] is None


def test_an_award_appears_by_itself(organisation, worker_database, tmp_path):
    """With a worker running, what is awarded stands on the board within seconds, and nobody asks for it."""
    with worker(worker_database, tmp_path / "worker.log", {}):
        award(organisation, "anna", 30)
        eventually(lambda: places(board(organisation)) == [(1, "anna", 30)], lambda: board(organisation))
        display(organisation, "anna", "hidden")
        award(organisation, "ben", 20)
        eventually(lambda: places(board(organisation)) == [(1, "ben", 20)], lambda: board(organisation))


def test_a_new_time_zone_counts_anew(organisation, refreshed):
    """Where days begin elsewhere, weeks do too."""
    organisation.api.event(
        "course.completed", timestamp="2026-03-08T23:30:00Z", properties={"course_id": "c1"}
    )
    refreshed(organisation)
    assert places(board(organisation, period="week", at="2026-03-08")) == [(1, "anna", 50)]
    organisation.api.patch("/v1/organisation", {"timezone": "Europe/Paris"})
    assert refreshed(organisation) == 1
    assert places(board(organisation, period="week", at="2026-03-08")) == []
    assert places(board(organisation, period="week", at="2026-03-09")) == [(1, "anna", 50)]


def test_an_entry_that_was_overlooked_is_found_by_the_sweep(organisation, refreshed, owner):
    """A transaction may commit after later ids were looked at, whatever the delay."""
    award(organisation, "anna", 5)
    refreshed(organisation)
    award(organisation, "anna", 7)
    owner.execute(
        "UPDATE leaderboard_states SET position = $2, confirmed = $2 WHERE organisation_id = $1",
        organisation.organisation_id,
        refresh.floor_id(datetime.now(UTC) + timedelta(minutes=1)),
    )
    assert refreshed(organisation) == 0
    assert refreshed(organisation, now=datetime.now(UTC) + refresh.SWEEP_EVERY + timedelta(minutes=1)) == 1
    assert places(board(organisation)) == [(1, "anna", 12)]


@pytest.mark.parametrize("seed", range(3))
def test_boards_are_what_the_ledger_says(make_organisation, refreshed, owner, seed):
    """After any history, refreshed at any moments, every board has what its entries add up to."""
    random = Random(seed)
    organisation = make_organisation(timezone="Europe/Paris")
    api = organisation.api
    entries = []
    for number in range(60):
        user_id = f"u{random.randrange(5)}"
        when = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=random.randrange(24 * 40))
        match random.randrange(6):
            case 0:
                entries.append(award(organisation, user_id, random.randrange(1, 600)))
            case 1 if entries:
                api.post("/v1/points/reverse", {"entry_id": random.choice(entries), "reason": "x"})
            case 2:
                api.post("/v1/points/deduct", {"user_id": user_id, "points": 3, "reason": "x"})
            case 3:
                lesson = {"lesson_id": "l1", "course_id": "c2"}
                name = random.choice(["lesson.completed", "lesson.reopened"])
                api.event(name, user_id, timestamp=when.isoformat(), properties=lesson)
            case _:
                api.event(
                    "course.completed",
                    user_id,
                    timestamp=when.isoformat(),
                    properties={"course_id": f"c{random.randrange(9)}"},
                    event_id=f"e{number}",
                )
        if random.randrange(8) == 0:
            refreshed(organisation)
    refreshed(organisation)
    expected = expected_boards(owner, organisation)
    assert expected, "nobody earned anything"
    stored = defaultdict(dict)
    for row in owner.fetch(
        "SELECT s.board, l.user_id, s.points FROM standings s"
        " JOIN learners l USING (organisation_id, learner_id)"
        " WHERE organisation_id = $1 AND points <> 0",
        organisation.organisation_id,
    ):
        stored[row["board"]][row["user_id"]] = row["points"]
    assert stored == expected
    for key, points in expected.items():
        period, _, course = key.partition("/")
        asked = {"period": period.partition(":")[0], "at": period.partition(":")[2] or None, "course": course}
        found = board(organisation, limit=500, **{name: value for name, value in asked.items() if value})
        assert {place["user_id"]: place["points"] for place in found["standings"]} == {
            user_id: earned for user_id, earned in points.items() if earned > 0
        }
        ranked = sorted((earned for earned in points.values() if earned > 0), reverse=True)
        assert [place["rank"] for place in found["standings"]] == [ranked.index(p) + 1 for p in ranked]


def expected_boards(owner, organisation):
    """What each learner has on each board, counted in Python from the entries and events."""
    rows = owner.fetch(
        "SELECT e.entry_id, e.kind, e.amount, e.occurred_at, e.reverses, l.user_id,"
        " v.properties ->> 'course_id' AS course FROM entries e"
        " JOIN learners l USING (organisation_id, learner_id)"
        " LEFT JOIN events v USING (organisation_id, event_id) WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    awards = {row["entry_id"]: row for row in rows if row["kind"] == "award"}
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        origin = awards.get(row["reverses"] or row["entry_id"])
        if origin is None:
            continue
        day: date = origin["occurred_at"].astimezone(PARIS).date()
        for course in {None, origin["course"]}:
            for period in ("all", "week", "month"):
                sign = 1 if row["kind"] == "award" else -1
                found[board_of(period, day, course).key][row["user_id"]] += sign * row["amount"]
    return {
        key: {user_id: points for user_id, points in board.items() if points}
        for key, board in found.items()
        if any(board.values())
    }


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"period": "year"}, "period"),
        ({"at": "yesterday"}, "at"),
        ({"at": "0001-01-01", "period": "week"}, "at"),
        ({"limit": 0}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "MTIzOm5vdGhpbmc"}, "cursor"),
        ({"around": "anna", "cursor": "eA"}, "cursor"),
        ({"course": "a\0b"}, "course"),
    ],
)
def test_what_is_asked_wrongly_is_named(organisation, asked, field):
    """A 400 that names the parameter."""
    answer = organisation.api.get("/v1/leaderboard", **asked)
    assert answer.status_code == 400
    details = answer.json()["details"]
    assert field in (details.get("field"), *(error["path"] for error in details.get("errors", ())))


def test_somebody_unknown_is_404(organisation):
    """`around` names a learner of the organisation."""
    assert organisation.api.get("/v1/leaderboard", around="nobody").status_code == 404
