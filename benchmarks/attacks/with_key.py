"""With a key of a small organisation."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.attacks.attack import attack
from benchmarks.attacks.payloads import a_rule, an_event, costly_rule, put_rules
from benchmarks.attacks.wire import Target, many, request
from benchmarks.attacks.without_key import hold
from rocket_server.http.batches import MAX_AWARDS

_TOKEN = "a-token-of-the-attackers-own-choice-0123456789"


@attack("a pattern that takes seconds", "200", "201", "400", "409")
async def slow_patterns(target: Target) -> None:
    slow = [{"properties.text": {"matches": "^(?:a?){24}!"}} for _ in range(90)]
    rule = a_rule("slow", {"any": slow})
    await target.call("POST", "/v1/rules", rule)
    event = an_event(0, text="a" * 24)
    await many(8, lambda _: target.call("POST", "/v1/events", event), at_once=8)
    question = {"event": event, "rules": [rule]}
    await many(
        8, lambda _: target.call("POST", "/v1/rules/calculate", question, key=target.read_key), at_once=8
    )


@attack("900 rules and batches of 2,000 events", "200", "201", "400", "429", "503", "silent", memory_mib=640)
async def many_rules(target: Target) -> None:
    await put_rules(target, 900)
    # All rules award, so the whole is refused; as much as is just taken has to be judged and stored.
    whole = [an_event(number, text="x") for number in range(2_000)]
    most = MAX_AWARDS // 900
    batches = [{"events": part} for part in (whole, whole[:most], whole[most : 2 * most])]
    await many(6, lambda number: target.call("POST", "/v1/events/batch", batches[number % 3]), at_once=4)


@attack("990 rules tried on the past, by a read key", "200", "409", "429", "503", memory_mib=640)
async def many_simulations(target: Target) -> None:
    batch = {"events": [an_event(number, text="x") for number in range(2_000)]}
    await target.call("POST", "/v1/events/batch", batch)
    question = {"rules": [costly_rule(number) for number in range(900)], "since": "90d"}
    await many(
        4, lambda _: target.call("POST", "/v1/rules/simulate", question, key=target.read_key), at_once=4
    )


@attack("explanations and calculations over 900 rules", "200", "201", "404", "429", "503", memory_mib=640)
async def many_explanations(target: Target) -> None:
    await put_rules(target, 900)
    await target.call("POST", "/v1/events/batch", {"events": [an_event(n, text="x") for n in range(50)]})
    event = an_event(1, text="y")
    await many(
        60,
        lambda number: (
            target.call("GET", "/v1/users/learner-1/explain?limit=500", key=target.read_key)
            if number % 3
            else target.call("POST", "/v1/rules/calculate", event, key=target.read_key)
        ),
        at_once=20,
    )


@attack("batches of 10,000 events without end", "200", "429", "503", memory_mib=640)
async def endless_batches(target: Target) -> None:
    def batch(number: int) -> Any:
        return {"events": [an_event(number * 10_000 + n, text="x") for n in range(10_000)]}

    await many(6, lambda number: target.call("POST", "/v1/events/batch", batch(number)), at_once=3)


@attack("9,000 bad events", "200", "400")
async def bad_events(target: Target) -> None:
    bad = {"event": 1, "user_id": [], "timestamp": {}, "properties": 5, "metadata": 7, "id": []}
    batch = {"events": [bad] * 9_000}
    await many(6, lambda _: target.call("POST", "/v1/events/batch", batch), at_once=3)


@attack("a mapping of nested lists of paths", "200", "201", "400", "401", "429")
async def wide_mappings(target: Target) -> None:
    paths = [f"$.b{number}" for number in range(10)]
    mapping = {
        "event": "$.type",
        "user_id": "$.user",
        "timestamp": "$.at",
        "properties": {f"p{number}": [[paths] * 10] * 4 for number in range(90)},
    }
    source = {"kind": "custom", "name": "wide", "token": _TOKEN, "mappings": mapping}
    await target.call("POST", "/v1/sources", source)
    body = {"type": "course.completed", "user": "u", "at": 1_700_000_000}
    hook = "/api/public/hook/custom/event"
    await many(20, lambda _: target.call("POST", hook, body, key=_TOKEN), at_once=10)


@attack("bodies nested without end", "400", "413")
async def deep_bodies(target: Target) -> None:
    deep = b"[" * 900_000
    deeper = b'{"event":"a.b","user_id":"u","properties":' + b'{"a":' * 150_000
    await many(
        16, lambda number: target.call("POST", "/v1/events", deep if number % 2 else deeper), at_once=8
    )


@attack("lists read by 64 at once", "200", "429", "503")
async def many_reads(target: Target) -> None:
    paths = ("/v1/events?limit=500", "/v1/leaderboard?limit=500", "/v1/users?limit=500", "/openapi.json")
    await many(
        400, lambda number: target.call("GET", paths[number % len(paths)], key=target.read_key), at_once=64
    )


@attack("1,000 points by hand for one learner at once", "200", "429", "503")
async def one_account(target: Target) -> None:
    award = {"user_id": "learner-1", "points": 1, "reason": "again"}
    await many(1_000, lambda _: target.call("POST", "/v1/points/award", award), at_once=64)


@attack("ids of thousands of accents", "404")
async def accents(target: Target) -> None:
    path = f"/v1/users/a{'%CC%81%CC%A0' * 1_200}/balance"
    await many(200, lambda _: target.call("GET", path, key=target.read_key), at_once=16)


@attack("pages of 4 MiB that nobody reads", "200")
async def unread_pages(target: Target) -> None:
    await _put_large_events(target)
    asked = request("GET", "/v1/events?limit=500", key=target.read_key) * 20
    await hold(target, [asked] * 300)


@attack("pages of 4 MiB by 64 at once", "200", "429", "503", memory_mib=512)
async def large_pages(target: Target) -> None:
    await _put_large_events(target)
    await many(200, lambda _: target.read("GET", "/v1/events?limit=500", key=target.read_key), at_once=64)


async def _put_large_events(target: Target) -> None:
    for start in range(0, 200, 50):
        batch = {"events": [an_event(number, text="x" * 60_000) for number in range(start, start + 50)]}
        await target.call("POST", "/v1/events/batch", batch)


@attack("events full of the smallest numbers, and pages of them", "200", "429", "503", memory_mib=512)
async def smallest_numbers(target: Target) -> None:
    numbers = b",".join([b"2.2250738585072011e-308"] * 15_000)
    event = json.dumps(an_event(0, text="x")).encode().replace(b'"x"', b"[" + numbers + b"]")
    batch = b",".join(event.replace(b"attack-0", b"attack-%d" % number) for number in range(30))
    await target.call("POST", "/v1/events/batch", b'{"events":[' + batch + b"]}")
    await many(60, lambda _: target.read("GET", "/v1/events?limit=500", key=target.read_key), at_once=16)


@attack("what is searched for and isn't there", "200", "400", "429", "503")
async def searches(target: Target) -> None:
    batch = {"events": [an_event(number, text="x") for number in range(5_000)]}
    await target.call("POST", "/v1/events/batch", batch)
    paths = (
        "/v1/events?event=nothing.there&limit=500",
        "/v1/events?since=1970-01-01&until=1970-01-02&limit=500",
        "/v1/events?source=nowhere&status=held",
        "/v1/users/search?q=learner",
        "/v1/users/search?q=%25_%25",
        "/v1/leaderboard?limit=500&course=c1",
        "/v1/users?since=1970-01-01&status=suspended",
    )
    await many(
        600, lambda number: target.call("GET", paths[number % len(paths)], key=target.read_key), at_once=64
    )


@attack("900 rules listed, and their limits", "200", "404", "429", "503", memory_mib=512)
async def many_rules_listed(target: Target) -> None:
    await put_rules(target, 900)
    await target.call("POST", "/v1/events", an_event(1, text="x"))
    paths = ("/v1/rules?limit=500", "/v1/users/learner-1/limits?limit=500", "/v1/rules/templates")
    await many(200, lambda number: target.read("GET", paths[number % 3], key=target.read_key), at_once=64)


@attack("chunks of a byte, with extensions", "200", "400", "413", "closed")
async def small_chunks(target: Target) -> None:
    head = request("POST", "/v1/events/batch", key=target.admin_key, Transfer_Encoding="chunked")
    head = head.replace(b"Content-Length: 0\r\n", b"")
    plain = b"1\r\n \r\n" * 400_000
    extended = b"1;name=value\r\n \r\n" * 100_000
    trailers = b"0\r\n" + b"X-Trailer: 1\r\n" * 100_000
    await many(12, lambda number: target.raw(head + (plain, extended, trailers)[number % 3]), at_once=6)


@attack("1,000 idempotency keys for one learner at once", "200", "409", "429", "503")
async def idempotency_keys(target: Target) -> None:
    award = {"user_id": "learner-1", "points": 1, "reason": "again", "metadata": {"text": "x" * 16_000}}
    await many(
        1_000,
        lambda number: target.call(
            "POST", "/v1/points/award", award, Idempotency_Key=f"{number}-" + "k" * 200
        ),
        at_once=64,
    )
