"""The attacks, each as small as it can be: what one client sends, and how long it may go on."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.attacks.wire import Target, many, request

Act = Callable[[Target], Awaitable[None]]

_MIB = 1 << 20
_TOKEN = "a-token-of-the-attackers-own-choice-0123456789"


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. `endings` are those that its requests may have; any other is a fault of the server's.

    `memory_mib` is what the server may hold beyond what it had before. With `fills_address` it takes all the
    connections that one address may have, so that who shares the address may be told to come again."""

    name: str
    act: Act
    endings: frozenset[str]
    memory_mib: int = 192
    fills_address: bool = False


ATTACKS: list[Attack] = []


def attack(
    name: str, *endings: str, memory_mib: int = 192, fills_address: bool = False
) -> Callable[[Act], Act]:
    """Enters a function into the list."""

    def enter(act: Act) -> Act:
        ATTACKS.append(Attack(name, act, frozenset(endings), memory_mib, fills_address))
        return act

    return enter


# Without a key.


@attack("3 MiB of empty gzip members, no key", "401", "429")
async def empty_members(target: Target) -> None:
    body = gzip.compress(b"") * (3 * _MIB // 20)
    sent = request("POST", "/v1/events", body[:_MIB], Content_Encoding="gzip")
    batch = request("POST", "/v1/events/batch", body, Content_Encoding="gzip")
    await many(8, lambda number: target.raw(batch if number % 2 else sent), at_once=4)


@attack("3 MiB of empty gzip members, with a key", "400", "413")
async def empty_members_with_key(target: Target) -> None:
    body = gzip.compress(b"") * (3 * _MIB // 20)
    sent = request("POST", "/v1/events/batch", body, key=target.admin_key, Content_Encoding="gzip")
    await many(8, lambda _: target.raw(sent), at_once=4)


@attack("gzip bombs", "400", "413")
async def gzip_bombs(target: Target) -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = b"0" * _MIB
    body = b"".join([*(packer.compress(zeros) for _ in range(1_000)), packer.flush()])
    for path in ("/v1/events", "/v1/events/batch"):
        sent = request("POST", path, body, key=target.admin_key, Content_Encoding="gzip")
        await many(8, lambda _, sent=sent: target.raw(sent), at_once=8)  # type: ignore[misc]


@attack("40 unfinished bodies of 16 MiB, no key", "401", "429", "closed")
async def unfinished_without_key(target: Target) -> None:
    await _unfinished(target, "")


@attack("40 unfinished bodies of 16 MiB, with a key", "400", "408", "503", "closed", "silent", memory_mib=384)
async def unfinished_with_key(target: Target) -> None:
    await _unfinished(target, target.admin_key)


async def _unfinished(target: Target, key: str) -> None:
    head = request("POST", "/v1/events/batch", b"", key=key, length=16 * _MIB)
    body = b" " * (15 * _MIB)
    await many(40, lambda _: target.raw(head + body, patience_s=8), at_once=40)


@attack("a header that doesn't end", "400", "431", "closed")
async def endless_header(target: Target) -> None:
    start = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Long: "
    await many(3, lambda _: target.raw(start + b"a" * (32 * _MIB)), at_once=3)


@attack("headers without end", "400", "431", "closed")
async def endless_headers(target: Target) -> None:
    start = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n"
    await many(3, lambda _: target.raw(start + b"X-A: b\r\n" * (2 * _MIB)), at_once=3)


@attack("10,000 headers that end", "400", "431", "closed")
async def many_headers(target: Target) -> None:
    sent = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n"
    await many(40, lambda _: target.raw(sent), at_once=4)


@attack("an endless path", "400", "404", "414", "431", "closed")
async def endless_path(target: Target) -> None:
    await many(3, lambda _: target.raw(b"GET /" + b"a" * (16 * _MIB)), at_once=3)


@attack("no HTTP at all", "400", "closed")
async def garbage(target: Target) -> None:
    await many(
        300, lambda number: target.raw(b"\x16\x03\x01\x02\x00" * (number + 1) + b"\r\n\r\n"), at_once=16
    )


@attack("1,100 connections that say nothing")
async def silent(target: Target) -> None:
    await _hold(target, [b""] * 1_100)


@attack("600 half headers and 500 bodies without a byte", fills_address=True)
async def halves(target: Target) -> None:
    half = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Part: "
    no_body = request("POST", "/v1/events", b"", key=target.admin_key, length=1_000)
    await _hold(target, [half] * 600 + [no_body] * 500)


@attack("300 requests whose answers aren't read")
async def unread(target: Target) -> None:
    asked = request("GET", "/openapi.json", key=target.admin_key) * 20
    await _hold(target, [asked] * 300)


async def _hold(target: Target, payloads: list[bytes]) -> None:
    """Opens a connection for each, sends it, and holds all of them for some seconds."""
    async with AsyncExitStack() as stack:
        for payload in payloads:
            try:
                async with asyncio.timeout(2):
                    _, writer = await stack.enter_async_context(target.connection())
                    writer.write(payload)
            except (OSError, TimeoutError):
                continue  # refused: as good an ending as any
        await asyncio.sleep(5)


@attack("connections made and broken off")
async def broken_off(target: Target) -> None:
    async def one(_: int) -> None:
        try:
            async with asyncio.timeout(5), target.connection() as (_, writer):
                writer.write(b"GET /v1/health HT")
        except (OSError, TimeoutError):
            pass

    await many(3_000, one, at_once=32)


@attack("wrong keys from the same address", "401", "429")
async def wrong_keys(target: Target) -> None:
    def wrong(number: int) -> str:
        return f"rk_live_{number:048x}"

    await many(1_500, lambda number: target.call("GET", "/v1/rules", key=wrong(number)), at_once=32)
    await many(
        500,
        lambda number: target.call("POST", "/api/public/hook/moodle/event", {"a": 1}, key=wrong(number)),
        at_once=32,
    )


@attack("medals by the thousand", "200", "404", "429", "503")
async def medals(target: Target) -> None:
    issuer = "00000000-0000-7000-8000-000000000000"
    await many(
        600,
        lambda number: target.call("GET", f"/public/badges/{issuer}/medals/m{number}", key="-"),
        at_once=16,
    )


# With a key of a small organisation.


@attack("a pattern that takes seconds", "200", "201", "400", "409")
async def slow_patterns(target: Target) -> None:
    slow = [{"properties.text": {"matches": "^(?:a?){24}!"}} for _ in range(90)]
    rule = _rule("slow", {"any": slow})
    await target.call("POST", "/v1/rules", rule)
    event = _event(0, text="a" * 24)
    await many(8, lambda _: target.call("POST", "/v1/events", event), at_once=8)
    question = {"event": event, "rules": [rule]}
    await many(
        8, lambda _: target.call("POST", "/v1/rules/calculate", question, key=target.read_key), at_once=8
    )


@attack("900 rules and batches of 2,000 events", "200", "201", "429", "503", "silent", memory_mib=640)
async def many_rules(target: Target) -> None:
    await _put_rules(target, 900)
    batch = {"events": [_event(number, text="x") for number in range(2_000)]}
    await many(4, lambda _: target.call("POST", "/v1/events/batch", batch), at_once=4)


@attack("990 rules tried on the past, by a read key", "200", "409", "429", "503", memory_mib=640)
async def many_simulations(target: Target) -> None:
    batch = {"events": [_event(number, text="x") for number in range(2_000)]}
    await target.call("POST", "/v1/events/batch", batch)
    question = {"rules": [_costly_rule(number) for number in range(900)], "since": "90d"}
    await many(
        4, lambda _: target.call("POST", "/v1/rules/simulate", question, key=target.read_key), at_once=4
    )


@attack("explanations and calculations over 900 rules", "200", "201", "404", "429", "503", memory_mib=640)
async def many_explanations(target: Target) -> None:
    await _put_rules(target, 900)
    await target.call("POST", "/v1/events/batch", {"events": [_event(n, text="x") for n in range(50)]})
    event = _event(1, text="y")
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
        return {"events": [_event(number * 10_000 + n, text="x") for n in range(10_000)]}

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


def _event(number: int, **properties: Any) -> dict[str, Any]:
    return {
        "event": "course.completed",
        "user_id": f"learner-{number % 500}",
        "timestamp": datetime.now(UTC).isoformat(),
        "event_id": f"attack-{number}",
        "properties": {"course_id": f"c{number}", **properties},
    }


def _rule(rule_id: str, conditions: dict[str, Any]) -> dict[str, Any]:
    return {
        "rule_id": rule_id,
        "trigger": {"event": "course.completed", "conditions": conditions},
        "actions": {"award_points": 1},
    }


def _costly_rule(number: int) -> dict[str, Any]:
    """A rule that no index can set aside, since it always holds; each counts by itself, some by a pattern."""
    conditions = {} if number % 20 else {"properties.text": {"matches": f"^(x|y|z{number})"}}
    rule = _rule(f"costly-{number}", conditions)
    return rule | {"constraints": {"unique_by": ["course_id", f"f{number}"], "max_per_day": 5}}


async def _put_rules(target: Target, number: int) -> None:
    for start in range(0, number, 90):
        some = [_costly_rule(n) for n in range(start, min(start + 90, number))]
        await target.call("PUT", "/v1/rules", {"rules": some})
