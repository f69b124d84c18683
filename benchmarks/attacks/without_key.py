"""Without a key, or with one that isn't needed: each attack as small as it can be."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from contextlib import AsyncExitStack

from benchmarks.attacks.attack import attack
from benchmarks.attacks.wire import Target, many, request

MIB = 1 << 20


@attack("nothing, for comparison")
async def nothing(_: Target) -> None:
    await asyncio.sleep(1)


@attack("3 MiB of empty gzip members, no key", "401", "429")
async def empty_members(target: Target) -> None:
    body = gzip.compress(b"") * (3 * MIB // 20)
    sent = request("POST", "/v1/events", body[:MIB], Content_Encoding="gzip")
    batch = request("POST", "/v1/events/batch", body, Content_Encoding="gzip")
    await many(8, lambda number: target.raw(batch if number % 2 else sent), at_once=4)


@attack("3 MiB of empty gzip members, with a key", "400", "413")
async def empty_members_with_key(target: Target) -> None:
    body = gzip.compress(b"") * (3 * MIB // 20)
    sent = request("POST", "/v1/events/batch", body, key=target.admin_key, Content_Encoding="gzip")
    await many(8, lambda _: target.raw(sent), at_once=4)


@attack("gzip bombs", "400", "413")
async def gzip_bombs(target: Target) -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = b"0" * MIB
    body = b"".join([*(packer.compress(zeros) for _ in range(1_000)), packer.flush()])
    for path in ("/v1/events", "/v1/events/batch"):
        sent = request("POST", path, body, key=target.admin_key, Content_Encoding="gzip")
        await many(8, lambda _, sent=sent: target.raw(sent), at_once=8)  # type: ignore[misc]


@attack("40 unfinished bodies of 16 MiB, no key", "401", "429", "closed")
async def unfinished_without_key(target: Target) -> None:
    # The refusal comes at once; on a busy machine this client takes a while to get to it.
    await _unfinished(target, "", patience_s=60)


@attack("40 unfinished bodies of 16 MiB, with a key", "400", "408", "503", "closed", "silent", memory_mib=384)
async def unfinished_with_key(target: Target) -> None:
    await _unfinished(target, target.admin_key, patience_s=8)


async def _unfinished(target: Target, key: str, *, patience_s: float) -> None:
    head = request("POST", "/v1/events/batch", b"", key=key, length=16 * MIB)
    body = b" " * (15 * MIB)
    await many(40, lambda _: target.raw(head + body, patience_s=patience_s), at_once=40)


@attack("a header that doesn't end", "400", "431", "closed")
async def endless_header(target: Target) -> None:
    start = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Long: "
    await many(3, lambda _: target.raw(start + b"a" * (32 * MIB)), at_once=3)


@attack("headers without end", "400", "431", "closed")
async def endless_headers(target: Target) -> None:
    start = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n"
    await many(3, lambda _: target.raw(start + b"X-A: b\r\n" * (2 * MIB)), at_once=3)


@attack("10,000 headers that end", "400", "431", "closed")
async def many_headers(target: Target) -> None:
    sent = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n"
    await many(40, lambda _: target.raw(sent), at_once=4)


@attack("an endless path", "400", "404", "414", "431", "closed")
async def endless_path(target: Target) -> None:
    await many(3, lambda _: target.raw(b"GET /" + b"a" * (16 * MIB)), at_once=3)


@attack("no HTTP at all", "400", "closed")
async def garbage(target: Target) -> None:
    await many(
        300, lambda number: target.raw(b"\x16\x03\x01\x02\x00" * (number + 1) + b"\r\n\r\n"), at_once=16
    )


@attack("1,100 connections that say nothing")
async def silent(target: Target) -> None:
    await hold(target, [b""] * 1_100)


@attack("600 half headers and 500 bodies without a byte", fills_address=True)
async def halves(target: Target) -> None:
    half = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Part: "
    no_body = request("POST", "/v1/events", b"", key=target.admin_key, length=1_000)
    await hold(target, [half] * 600 + [no_body] * 500)


@attack("300 requests whose answers aren't read")
async def unread(target: Target) -> None:
    asked = request("GET", "/openapi.json", key=target.admin_key) * 20
    await hold(target, [asked] * 300)


async def hold(target: Target, payloads: list[bytes]) -> None:
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


@attack("health and metrics by the hundred", "200", "503")
async def operators(target: Target) -> None:
    paths = ("/v1/health", "/metrics")
    await many(1_500, lambda number: target.call("GET", paths[number % 2], key="-"), at_once=300)


@attack("10,000 unknown parameters", "400", "401", "431")
async def parameters(target: Target) -> None:
    names, more = ("&".join(f"u{number:04x}" for number in range(most)) for most in (90, 9_000))
    paths = ("/v1/events", "/v1/users", "/v1/leaderboard")
    await many(
        60,
        lambda number: target.call("GET", f"{paths[number % 3]}?{names if number % 2 else more}", key="-"),
        at_once=16,
    )


@attack("800 that wait to be told to go on", fills_address=True)
async def expectant(target: Target) -> None:
    asked = request("POST", "/v1/events", key=target.admin_key, length=1_000, Expect="100-continue")
    await hold(target, [asked] * 800)


@attack("awards that nobody has, by the hundred", "404", "429", "503")
async def unknown_awards(target: Target) -> None:
    issuer = "00000000-0000-7000-8000-000000000000"
    endings = (
        "",
        f"/awards/{issuer}",
        f"/awards/{issuer}/badge.png",
        f"/status/{issuer}/1",
        f"/images/{issuer}",
    )
    await many(
        1_500,
        lambda number: target.call("GET", f"/public/badges/{issuer}{endings[number % 5]}", key="-"),
        at_once=200,
    )


@attack("signatures of sources that aren't there", "401", "429", "503")
async def signatures(target: Target) -> None:
    def signed(number: int) -> bytes:
        sent = request("POST", f"/api/public/hook/s{number}/event", b"{}", X_Signature="sha256=" + "0" * 64)
        return sent

    await many(1_500, lambda number: target.raw(signed(number)), at_once=200)


@attack("files of pages that nobody reads")
async def unread_files(target: Target) -> None:
    asked = request("GET", "/docs/assets/swagger-ui-bundle.js") * 20
    await hold(target, [asked] * 300)


@attack(
    "a request in each packet, and each a little wrong", "400", "401", "404", "405", "429", "431", "closed"
)
async def odd_requests(target: Target) -> None:
    odd = (
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //v1//events HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/events HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"TRACE /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + b"127.0.0.1," * 6_000 + b"\r\n\r\n",
        b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"k" * 60_000 + b"\r\n\r\n",
        b"GET /v1/events HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 12_000 + b"\r\n\r\n",
    )
    await many(600, lambda number: target.raw(odd[number % len(odd)], patience_s=15), at_once=32)
