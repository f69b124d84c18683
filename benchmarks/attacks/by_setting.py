"""By what an administrator of a small organisation may set."""

from __future__ import annotations

import base64
import struct
import zlib
from itertools import count
from typing import Any

from benchmarks.attacks.attack import attack
from benchmarks.attacks.payloads import a_rule, an_event, costly_rule, put_rules
from benchmarks.attacks.wire import Target, many

_versions = count()


@attack("images of badges that unpack to 60 MB", "201", "400", "409", "429", "503")
async def image_bombs(target: Target) -> None:
    bomb = _png(2_048, b"\0" * (60 << 20))
    whole = _png(2_048, b"\0" * (2_048 * 8 + 1) * 2_048)
    await many(
        32,
        lambda number: target.call(
            "POST",
            "/v1/badges",
            {"badge_id": f"b{number}", "name": "b", "image": (bomb, whole)[number % 2]},
        ),
        at_once=8,
    )


def _png(side_px: int, pixels: bytes) -> str:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side_px, side_px, 16, 6, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(pixels, 9)), chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


@attack("100 webhooks that take everything", "200", "201", "409", "429", "503", memory_mib=640)
async def many_webhooks(target: Target) -> None:
    for number in range(100):
        webhook = {"url": f"https://receiver-{number}.example.com/", "events": ["*"]}
        await target.call("POST", "/v1/webhooks", webhook)
    batch = {"events": [an_event(next(_versions), text="x") for _ in range(2_000)]}
    await many(4, lambda _: target.call("POST", "/v1/events/batch", batch), at_once=4)


@attack("60,000 unknown fields", "400")
async def unknown_fields(target: Target) -> None:
    fields: dict[str, Any] = {f"u{number:05x}": 1 for number in range(60_000)}
    paths = ("/v1/rules", "/v1/webhooks", "/v1/badges", "/v1/sources", "/v1/points/award", "/v1/users")
    await many(24, lambda number: target.call("POST", paths[number % 6], fields), at_once=6)


@attack("settings changed all the time beside 900 rules", "200", "429", "503", memory_mib=512)
async def changing_settings(target: Target) -> None:
    await put_rules(target, 900)

    async def one(number: int) -> None:
        if number % 2:
            change = {"name": f"Name {next(_versions)}"}
            await target.call("PATCH", "/v1/organisation", change)
        else:
            await target.call("POST", "/v1/events", an_event(next(_versions), text="x"))

    await many(200, one, at_once=8)


@attack("900 rules rewritten all the time", "200", "400", "429", "503", memory_mib=640)
async def changing_rules(target: Target) -> None:
    async def one(number: int) -> None:
        if number % 2:
            version = next(_versions)
            rules = [costly_rule(n) | {"title": f"Version {version}"} for n in range(900)]
            await target.call("PUT", "/v1/rules", {"rules": rules})
        else:
            await target.call("POST", "/v1/events", an_event(next(_versions), text="x"))

    await many(12, one, at_once=4)


@attack("bodies of as many values as there may be, for rules", "400", "429", "503", memory_mib=512)
async def many_values(target: Target) -> None:
    bodies = (
        b'{"rules":[' + b",".join([b"[]"] * 240_000) + b"]}",
        b'{"rules":[' + b",".join([b"1"] * 500_000) + b"]}",
        b'{"event":{},"rules":[' + b",".join([b'{"a":1}'] * 120_000) + b"]}",
    )
    paths = (("PUT", "/v1/rules"), ("POST", "/v1/rules"), ("POST", "/v1/rules/calculate"))
    await many(18, lambda number: target.call(*paths[number % 3], bodies[number // 3 % 3]), at_once=6)


@attack("patterns that remember as much as they can", "200", "400", "429", "503", memory_mib=512)
async def many_states(target: Target) -> None:
    def rules(start: int) -> list[dict[str, Any]]:
        return [
            a_rule(f"states-{n}", {"properties.text": {"matches": f"(a|b)*a(a|b){{12}}{n}$"}})
            for n in range(start, start + 90)
        ]

    for start in range(0, 450, 90):
        await target.call("PUT", "/v1/rules", {"rules": rules(start)})
    text = "abbabaab" * 100
    batch = {"events": [an_event(next(_versions), text=text[n % 7 :] + str(n)) for n in range(1_000)]}
    await many(4, lambda _: target.call("POST", "/v1/events/batch", batch), at_once=2)


@attack("500 people with all that may be known of them", "200", "201", "409", "429", "503", memory_mib=512)
async def large_people(target: Target) -> None:
    def person(number: int) -> dict[str, Any]:
        others = [f"other:{number}-{n}-" + "i" * 200 for n in range(20)]
        return {"user_id": f"person-{number}", "metadata": {"text": "x" * 16_000}, "identities": others}

    if not next(_versions):
        pass
    await many(200, lambda number: target.call("POST", "/v1/users", person(number)), at_once=16)
    await many(60, lambda _: target.read("GET", "/v1/users?limit=500", key=target.read_key), at_once=32)


@attack(
    "sources with as many settings as there may be", "200", "201", "400", "409", "429", "503", memory_mib=512
)
async def large_sources(target: Target) -> None:
    ids = [f"{number:05d}" + "i" * 90 for number in range(1_000)]
    filters = {"course_ids": ids, "category_ids": ids, "role_ids": ids, "context_levels": ids}
    await many(
        40,
        lambda number: target.call(
            "POST", "/v1/sources", {"kind": "moodle", "name": f"s{number}", "filters": filters}
        ),
        at_once=8,
    )
    await many(40, lambda _: target.read("GET", "/v1/sources", key=target.read_key), at_once=16)


@attack(
    "a source's log full of large bodies", "200", "201", "400", "401", "409", "429", "503", memory_mib=512
)
async def large_log(target: Target) -> None:
    token = "a-token-of-the-logs-own-choice-0123456789abc"
    await target.call("POST", "/v1/sources", {"kind": "moodle", "name": "log", "token": token})
    body = {"eventname": "\\core\\event\\course_completed", "text": "\u20ac" * 16_000}
    await many(
        300, lambda _: target.call("POST", "/api/public/hook/moodle/event", body, key=token), at_once=32
    )
    found = await target.ask("GET", "/v1/sources", key=target.read_key)
    ids = [source["source_id"] for source in found["sources"] if source["name"] == "log"]
    await many(
        40,
        lambda _: target.read("GET", f"/v1/sources/{ids[0]}/requests?limit=500", key=target.read_key),
        at_once=16,
    )
