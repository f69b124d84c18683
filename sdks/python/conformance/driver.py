"""Does what `sdks/conformance/README.md` says: `driver.py blocking|async run|buffer N|exit`.

Every scenario is written once, awaiting what a client returns; `Awaited` lets the blocking client's answers
be awaited too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from rocket_learning import (
    ApiError,
    AsyncRocketClient,
    BreakerPolicy,
    RetryPolicy,
    RocketClient,
    RocketError,
    ValidationError,
)

RUN = os.environ["ROCKET_RUN"]
WAIT_S = 120
COURSE = {"course_id": "conformance"}

Facts = dict[str, Any]


class Awaited:
    """A blocking client whose methods can be awaited."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return Awaited(value) if hasattr(value, "sender") else value

        async def call(*args: Any, **kwargs: Any) -> Any:
            return value(*args, **kwargs)

        return value if name in ("buffer", "add", "set_event_schema") else call


Make = Callable[..., Any]


def maker(kind: str) -> Make:
    """Makes clients of a kind with the settings that all scenarios have."""

    def make(**options: Any) -> Any:
        chosen = {"timeout_s": 3.0, "retry": RetryPolicy(base_delay_s=0.05), **options}
        return Awaited(RocketClient(**chosen)) if kind == "blocking" else AsyncRocketClient(**chosen)

    return make


async def done(value: Any) -> Any:
    """What a method of either kind of buffer returns."""
    return await value if asyncio.iscoroutine(value) else value


async def track(make: Make) -> Facts:
    answer = await make().events.track("course.completed", f"{RUN}-track", COURSE, event_id=f"{RUN}-track")
    return {"status": answer["status"], "points_awarded": answer["points_awarded"]}


async def track_minimal(make: Make) -> Facts:
    answer = await make().events.track("lesson.completed", f"{RUN}-minimal")
    return {"status": answer["status"], "has_event_id": isinstance(answer["event_id"], str)}


async def duplicate(make: Make) -> Facts:
    client, name = make(), f"{RUN}-duplicate"
    answers = [await client.events.track("course.completed", name, COURSE, event_id=name) for _ in range(2)]
    return {
        "statuses": [answer["status"] for answer in answers],
        "same_event_id": answers[0]["event_id"] == answers[1]["event_id"],
    }


async def native_time(make: Make) -> Facts:
    client = make()
    when = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
    answer = await client.events.track("lesson.completed", f"{RUN}-time", {"completion_time": when})
    stored = await client.events.get(answer["event_id"])
    return {"completion_time": stored["properties"]["completion_time"]}


def lessons(name: str, count: int) -> list[Facts]:
    """Events of so many learners in one lesson."""
    return [
        {
            "event": "lesson.completed",
            "user_id": f"{RUN}-{name}-{index}",
            "properties": {"lesson_id": "lesson-123"},
        }
        for index in range(count)
    ]


async def track_batch(make: Make) -> Facts:
    answer = await make().events.track_batch(lessons("batch", 100))
    return {name: answer[name] for name in ("processed", "duplicates", "failed")}


async def batch_mixed(make: Make) -> Facts:
    event = {"event": "lesson.completed", "user_id": f"{RUN}-mixed"}
    events = [event | {"event_id": f"{RUN}-{mark}"} for mark in ("m1", "m2", "m1")]
    client = make(validate_events=False)
    answer = await client.events.track_batch([*events, event | {"event": "bad"}])
    statuses = [result["status"] for result in answer["results"]]
    return {name: answer[name] for name in ("processed", "duplicates", "failed")} | {"statuses": statuses}


async def validate(make: Make) -> Facts:
    client = make()
    good = await client.events.validate("course.completed", "u", COURSE)
    bad = await client.events.validate("bad", "u")
    return {
        "valid": [good["valid"], bad["valid"]],
        "paths": sorted(error["path"] for error in bad["errors"]),
    }


async def validation_error(make: Make) -> Facts:
    await make().events.track("course.completed", "u", {"progress_pct": 101})
    return {}


async def own_schema(make: Make) -> Facts:
    client = make()
    client.set_event_schema({"properties": {"course_id": {"type": "string", "required": True}}})
    await client.events.track("course.completed", "u")
    return {}


async def award(make: Make) -> Facts:
    answer = await make().points.award(f"{RUN}-award", 50, "Course completion bonus")
    return {"points": answer["points"], "balance": answer["balance"]}


async def award_same_key(make: Make) -> Facts:
    client, name = make(), f"{RUN}-key"
    first, second = [
        await client.points.award(name, 50, "Course completion bonus", idempotency_key=name) for _ in range(2)
    ]
    return {"balance": second["balance"], "same_entry": first["entry_id"] == second["entry_id"]}


async def deduct(make: Make) -> Facts:
    client = make()
    await client.points.award(f"{RUN}-deduct", 50, "Course completion bonus")
    answer = await client.points.deduct(f"{RUN}-deduct", 20, "Sticker")
    return {"balance": answer["balance"]}


async def balance(make: Make) -> Facts:
    client, name = make(), f"{RUN}-balance"
    await client.points.award(name, 7, "Try")
    answer = await client.users.get_balance(name)
    facts = {field: answer[field] for field in ("points", "earned", "spent")}
    return facts | {"user_id": answer["user_id"].removeprefix(f"{RUN}-")}


async def odd_id(make: Make) -> Facts:
    client, name = make(), f"{RUN}: é🚀 50%?#+"
    await client.points.award(name, 3, "Try")
    return {"points": (await client.users.get_balance(name))["points"]}


async def badges(make: Make) -> Facts:
    client, name = make(), f"{RUN}-badges"
    answers = [await client.badges.award(name, "quiz_master", metadata={"quiz_score": 85}) for _ in range(2)]
    held = await client.users.get_badges(name)
    return {
        "statuses": [answer["status"] for answer in answers],
        "badges": [badge["badge_id"] for badge in held["badges"]],
    }


async def reads(make: Make) -> Facts:
    client, name = make(), f"{RUN}-reads"
    await client.points.award(name, 1, "Try")
    answers = [
        await client.events.list(limit=1),
        await client.users.get(name),
        await client.users.get_rank(name),
        await client.users.get_ledger(name),
        await client.users.get_badges(name),
        await client.users.get_limits(name),
        await client.users.get_events(name),
        await client.users.search(email="nobody@example.org"),
        await client.badges.list(),
        await client.badges.get("quiz_master"),
        await client.leaderboard.get(limit=1),
        await client.rules.list(),
        await client.rules.get("course_completed"),
        await client.rules.templates(),
        await client.health(),
    ]
    return {"answers": sum(isinstance(answer, dict) for answer in answers)}


async def unauthorized(make: Make) -> Facts:
    return dict(await make(api_key="rk_live_wrong").users.get_balance("u"))


async def not_found(make: Make) -> Facts:
    return dict(await make().users.get_balance(f"{RUN}-nobody"))


async def bad_request(make: Make) -> Facts:
    return dict(await make(validate_events=False).events.track("bad", "u"))


async def conflict(make: Make) -> Facts:
    client, name = make(), f"{RUN}-conflict"
    await client.points.award(name, 1, "Try", idempotency_key=name)
    return dict(await client.points.award(name, 2, "Try", idempotency_key=name))


async def insufficient_points(make: Make) -> Facts:
    client, name = make(), f"{RUN}-poor"
    await client.points.award(name, 5, "Try")
    return dict(await client.points.deduct(name, 6, "Sticker"))


def award_of(name: str, **options: Any) -> Callable[[Make], Awaitable[Facts]]:
    """The scenarios in which five points must arrive, whatever happens on the way."""

    async def scenario(make: Make) -> Facts:
        answer = await make(**options).points.award(f"{RUN}-{name}", 5, "Try")
        return {"balance": answer["balance"]}

    return scenario


def read_of(**options: Any) -> Callable[[Make], Awaitable[Facts]]:
    """The scenarios in which a read goes wrong."""

    async def scenario(make: Make) -> Facts:
        return dict(await make(**options).users.get_balance("u"))

    return scenario


async def unavailable(make: Make) -> Facts:
    answer = await make().events.track("course.completed", f"{RUN}-503", COURSE)
    return {"status": answer["status"], "points_awarded": answer["points_awarded"]}


async def unavailable_for_good(make: Make) -> Facts:
    return dict(await make().events.track("lesson.completed", f"{RUN}-503b"))


async def reset_after_batch(make: Make) -> Facts:
    answer = await make().events.track_batch(lessons("reset3", 10))
    return {name: answer[name] for name in ("processed", "duplicates")}


async def reset_after_badge(make: Make) -> Facts:
    client, name = make(), f"{RUN}-sticker"
    answer = await client.badges.award(name, "sticker")
    held = await client.users.get_badges(name)
    return {"status": answer["status"], "badges": len(held["badges"])}


async def refused(make: Make) -> Facts:
    return dict(await make(base_url=os.environ["ROCKET_REFUSED_URL"]).points.award("u", 5, "Try"))


async def breaker(make: Make) -> Facts:
    client, outcomes = make(retry=RetryPolicy.none()), []
    for _ in range(6):
        try:
            await client.events.track("lesson.completed", f"{RUN}-breaker")
            outcomes.append("ok")
        except RocketError as error:
            outcomes.append(type(error).__name__)
    return {"outcomes": outcomes}


async def buffer(make: Make) -> Facts:
    dead: list[Any] = []
    made = make().buffer(on_dead_letter=lambda *letter: dead.append(letter))
    for index in range(250):
        properties = {"lesson_id": f"lesson-{index}"}
        made.add({"event": "lesson.completed", "user_id": f"{RUN}-buffer", "properties": properties})
    await done(made.close())
    return {"dead": len(dead)}


async def buffer_dead_letters(make: Make) -> Facts:
    reasons: list[str] = []
    made = make(validate_events=False).buffer(on_dead_letter=lambda _, reason, __: reasons.append(reason))
    made.add({"event": "lesson.completed", "user_id": f"{RUN}-dead"})
    made.add({"event": "bad", "user_id": f"{RUN}-dead"})
    await done(made.close())
    return {"reasons": reasons}


SCENARIOS: dict[str, Callable[[Make], Awaitable[Facts]]] = {
    scenario.__name__: scenario
    for scenario in (
        track,
        track_minimal,
        duplicate,
        native_time,
        track_batch,
        batch_mixed,
        validate,
        validation_error,
        own_schema,
        award,
        award_same_key,
        deduct,
        balance,
        odd_id,
        badges,
        reads,
        unauthorized,
        not_found,
        bad_request,
        conflict,
        insufficient_points,
    )
} | {
    "rate_limited": award_of("429"),
    "rate_limited_for_good": award_of("429b"),
    "unavailable": unavailable,
    "unavailable_for_good": unavailable_for_good,
    "proxy_page": read_of(retry=RetryPolicy.none()),
    "redirect": read_of(),
    "timeout": award_of("late"),
    "timeout_for_good": read_of(retry=RetryPolicy.none()),
    "reset_before": award_of("reset"),
    "reset_after": award_of("reset2"),
    "reset_after_batch": reset_after_batch,
    "reset_after_badge": reset_after_badge,
    "half_an_answer": award_of("half"),
    "refused": refused,
    "breaker": breaker,
    "buffer": buffer,
    "buffer_dead_letters": buffer_dead_letters,
}


def facts_of(name: str, error: RocketError) -> Facts:
    """What is told of an error; some scenarios ask for more."""
    facts: Facts = {"outcome": type(error).__name__}
    if isinstance(error, ValidationError):
        facts["paths"] = sorted(one.path for one in error.errors)
    if isinstance(error, ApiError):
        facts |= {"status": error.status, "code": error.code, "has_request_id": error.request_id is not None}
    if name == "bad_request" and isinstance(error, ApiError):
        facts["paths"] = sorted(one["path"] for one in error.details["errors"])
    if name == "insufficient_points" and isinstance(error, ApiError):
        facts["balance"] = error.details["balance"]
    if name == "rate_limited_for_good" and isinstance(error, ApiError):
        facts["retry_after"] = error.retry_after
    return facts


def announce(name: str) -> None:
    """Says which scenario comes next."""
    request = urllib.request.Request(f"{os.environ['ROCKET_FAULTS_URL']}/{name}", method="POST")
    urllib.request.urlopen(request).close()


async def run(make: Make) -> None:
    """All scenarios, each announced first."""
    for name, scenario in SCENARIOS.items():
        await asyncio.to_thread(announce, name)
        try:
            facts = {"outcome": "ok", **await scenario(make)}
        except RocketError as error:
            facts = facts_of(name, error)
        print(json.dumps({"scenario": name, **facts}), flush=True)


async def fill_buffer(make: Make, count: int) -> None:
    """So many events through a buffer, however the server fares."""
    dead: list[Any] = []
    client = make(timeout_s=10.0, retry=RetryPolicy(base_delay_s=0.1), breaker=BreakerPolicy(reset_s=1.0))
    made = client.buffer(
        capacity=count, flush_interval_s=0.2, on_dead_letter=lambda *letter: dead.append(letter)
    )
    for index in range(count):
        properties = {"lesson_id": f"lesson-{index}"}
        made.add({"event": "lesson.completed", "user_id": f"{RUN}-{index % 100}", "properties": properties})
    async with asyncio.timeout(WAIT_S):
        while made.waiting:  # noqa: ASYNC110 - a program that waits, as programs do
            await asyncio.sleep(0.05)
    await done(made.close())
    print(json.dumps({"scenario": "buffer", "outcome": "ok", "added": count, "dead": len(dead)}), flush=True)


async def end(make: Make) -> None:
    """A program that ends without a word."""
    made = make().buffer()
    for index in range(7):
        properties = {"lesson_id": f"lesson-{index}"}
        made.add({"event": "lesson.completed", "user_id": f"{RUN}-exit", "properties": properties})
    await asyncio.sleep(0)


def main(kind: str, form: str, *arguments: str) -> None:
    make = maker(kind)
    if form == "run":
        asyncio.run(run(make))
    elif form == "buffer":
        asyncio.run(fill_buffer(make, int(arguments[0])))
    else:
        asyncio.run(end(make))


if __name__ == "__main__":
    main(*sys.argv[1:])
