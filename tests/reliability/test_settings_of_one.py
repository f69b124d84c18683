"""One organisation's settings can't stop another's work: every kind of setting at its oddest accepted value.

Each case is an organisation of its own. The organisation whose work is looked at is the newest, so that
whoever is before it in some list would keep it waiting.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rocket_server import metrics
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.delivery.settle import Policy
from rocket_server.jobs import Runner
from rocket_server.worker import chores
from rocket_server.worker.settling import Settling
from support import outbox
from support.receiver import Receiver
from support.working_here import until, working

pytestmark = pytest.mark.reliability

ODD = "a'b\"c%s{}\\ \u202e😀 é\u0301 <b>$1;--"
Case = list[tuple[str, str, dict[str, Any]]]


def organisation(**settings: Any) -> Case:
    return [("PATCH", "/v1/organisation", settings)]


def rule(**fields: Any) -> Case:
    plain = {"rule_id": "odd", "trigger": {"event": "course.completed"}, "actions": {"award_points": 1}}
    return [("POST", "/v1/rules", plain | fields)]


def badge(**fields: Any) -> Case:
    return [("POST", "/v1/badges", {"badge_id": "odd", "name": "Odd", **fields})]


def webhook(**fields: Any) -> Case:
    return [("POST", "/v1/webhooks", {"url": "https://nowhere.invalid/", "events": ["*"], **fields})]


def source(**fields: Any) -> Case:
    return [("POST", "/v1/sources", {"kind": "moodle", "name": "odd", **fields})]


def person(**fields: Any) -> Case:
    return [
        ("POST", "/v1/users", {"user_id": "odd"}),
        ("PATCH", "/v1/users/odd", fields),
    ]


CASES: dict[str, Case] = {
    **{
        f"zone {name}": organisation(timezone=name)
        for name in (
            *("Etc/GMT+12", "Pacific/Kiritimati", "Africa/Casablanca", "Europe/Dublin", "Antarctica/Troll"),
            *("America/Vancouver", "EST5EDT", "asia/kathmandu", "Pacific/Chatham", "GMT0"),
        )
    },
    "name": organisation(name="😀" * 200),
    "one rank": organisation(ranks=[{"name": ODD, "weeks": 0, "multiplier": 0.1, "discount_pct": 100}]),
    "twenty ranks": organisation(
        ranks=[{"name": f"{n} {ODD}"[:50], "weeks": n * 26, "multiplier": 10} for n in range(20)]
    ),
    "smallest goal": organisation(weekly_goal=1, grace_weeks=4),
    "greatest goal": organisation(weekly_goal=1_000_000, grace_weeks=0),
    "nobody unknown": organisation(unknown_learner="hold"),
    "source with many ids": source(
        staff_ids=[f"{n}" for n in range(1_000)],
        filters={"course_ids": [ODD[:100]] * 10, "role_ids": [f"{n}" for n in range(1_000)]},
        allowed_cidrs=["0.0.0.0/0", "::/0"],
        unknown_learner="refuse",
    ),
    "slow pattern": rule(
        trigger={"event": "course.completed", "conditions": {"title": {"matches": "^(?:a?){24}!"}}},
    ),
    "many conditions": rule(
        trigger={
            "event": "course.completed",
            "conditions": {"any": [{f"p{n}": {"eq": ODD}} for n in range(100)]},
        },
    ),
    "greatest award": rule(actions={"award_points": 1_000_000}, constraints={"max_per_hour": 1}),
    "longest cooldown": rule(constraints={"cooldown_minutes": 525_600}),
    "odd paths": rule(constraints={"unique_by": ["properties.a.b.c.d", "metadata.x"]}),
    "badge for much": badge(name=ODD[:50], criteria={"points": 1_000_000_000}),
    "badge for one point": badge(criteria={"points": 1}),
    "webhook that nobody hears": webhook(timeout_s=60, max_attempts=20, throttle_per_s=1),
    "webhook with headers": webhook(headers={f"X-{n}": "y" * 100 for n in range(20)}, format="assessment"),
    "webhook with a filter": webhook(filters={"title": {"matches": "(?:a?){24}!"}}, events=["*"] * 100),
    "hidden": person(leaderboard="hidden", weekly_goal=1),
    "anonymous": person(leaderboard="anonymous", name=ODD, metadata={"a": {"b": [ODD] * 50}}),
    "suspended": person(status="suspended", email="odd@example.org"),
    "forgotten": [*person(name=ODD), ("DELETE", "/v1/users/odd", {})],
    "issuer": [("PUT", "/v1/issuer", {"name": ODD, "url": "https://example.org/?q=%00%ff"})],
    "weeks without end": organisation(ranks=[{"name": "a", "weeks": 0}, {"name": "b", "weeks": 520}]),
}


def learn(organisation, user_id="anna"):
    """Events of several weeks, one with an odd text; the points that they gave."""
    points = 0
    for number in range(3):
        answer = organisation.api.post(
            "/v1/events",
            {
                "event": "course.completed",
                "user_id": user_id,
                "timestamp": (datetime.now(UTC) - timedelta(weeks=number)).isoformat(),
                "properties": {"course_id": f"c{number}", "title": "a" * 40 if number else ODD},
            },
        )
        assert answer.status_code == 200, answer.text
        points += answer.json()["points_awarded"]
    return points


@pytest.fixture(scope="module")
def odd_ones(make_organisation):
    """An organisation for each case, with its settings made and events after them."""
    made, refused = {}, []
    for name, case in CASES.items():
        one = made[name] = make_organisation()
        learn(one)
        for method, path, body in case:
            answer = one.api.request(method, path, json=body)
            if answer.status_code >= 300:
                refused.append((name, answer.text))
        learn(one, "ben")
        listed = one.api.get("/v1/webhooks").json()["webhooks"]
        for hook in listed:
            since = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
            assert one.api.post(f"/v1/webhooks/{hook['id']}/recover", since).status_code < 300
    assert refused == []
    return made


@pytest.fixture(scope="module")
def newest(odd_ones, make_organisation):
    """The organisation that was made last, and the points that its learner has."""
    one = make_organisation()
    return one, learn(one)


@pytest.mark.parametrize("name", CASES)
def test_who_has_an_odd_setting_is_still_answered(odd_ones, name):
    """What was accepted doesn't make the organisation's own reads fail."""
    one = odd_ones[name]
    for path in (
        *("/v1/organisation", "/v1/users/anna/balance", "/v1/users/anna/rank", "/v1/users/anna/limits"),
        *("/v1/leaderboard", "/v1/rules", "/v1/badges", "/v1/sources", "/v1/webhooks", "/v1/issuer"),
    ):
        assert one.api.get(path).status_code == 200, path


def test_every_kind_of_background_work_is_done_for_all(odd_ones, newest, store, portal, owner):
    """No piece fails for anybody, and each look reaches the organisation that was made last."""
    settings = Settings()

    async def work():
        settling = Settling(store, Policy.of(settings), 10)
        failed = {}
        for job in chores.all_jobs(store, settling, settings, Configurations()):
            before = metrics.JOB_PIECES.labels(job.name, "failed")._value.get()
            runner = Runner(job)
            for _ in range(5):
                await runner.look()
                if not await runner.finish():
                    break
            failed[job.name] = metrics.JOB_PIECES.labels(job.name, "failed")._value.get() - before
        return failed

    failed = portal.call(work)
    assert {"leaderboards", "ranks", "held", "started", "plugins"} <= failed.keys()
    assert failed == dict.fromkeys(failed, 0)
    one, points = newest
    board = one.api.get("/v1/leaderboard").json()["standings"]
    assert [(row["user_id"], row["points"]) for row in board] == [("anna", points)]
    ranks = owner.fetch("SELECT rank FROM learner_ranks WHERE organisation_id = $1", one.organisation_id)
    assert [row["rank"] for row in ranks] == ["Explorer"]


def test_deliveries_go_out_beside_all_of_them(odd_ones, newest, store, portal):
    """A worker that has all their endpoints to serve serves the one of the newest."""
    one, _ = newest
    receiver = Receiver()

    async def work():
        async with store.transaction() as conn:
            await outbox.make_endpoint(conn, one.organisation_id, receiver.url("/hook"))
        await asyncio.to_thread(learn, one, "cleo")
        async with working(store):
            await until(lambda: len(receiver.ids("/hook")) >= 3)

    try:
        portal.call(work)
    finally:
        receiver.close()
