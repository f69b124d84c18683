"""Heads of requests over bare sockets: bounded, and answered clearly where they are no HTTP."""

from __future__ import annotations

import pytest

from support.raw import Raw, request

MIB = 1024 * 1024
HEALTH = request("GET", "/v1/health")


@pytest.fixture
def raw(server):
    """A connection to the server."""
    with Raw(server.url) as connection:
        yield connection


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-One: a\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\n"
        + b"X-Some: "
        + b"a" * 1000
        + b"\r\n"
        + b"X-Many: bbbbbbb\r\n" * 90_000
        + b"\r\n",
        b"\r\n" * 40_000,
    ],
    ids=["target", "one header", "101 headers", "a million bytes", "empty lines"],
)
def test_a_head_that_is_too_large_is_a_431(raw, head):
    """64 KiB and 100 headers are read; beyond that the answer is a 431 and the end of the connection."""
    raw.send(head)
    answer = raw.answer()
    assert (answer.status, answer.error["error"]) == (431, "head_too_large")
    assert answer.error["details"] == {
        "limit_bytes": 65_536,
        "limit_headers": 100,
        "limit_target_bytes": 16_384,
    }
    assert raw.is_closed()


def test_a_head_within_the_bounds_is_read(raw):
    """99 headers of 500 bytes are no reason to refuse anybody."""
    raw.send(request("GET", "/v1/health", **{f"X_{number}": "a" * 500 for number in range(99)}))
    assert raw.answer().status == 200


@pytest.mark.parametrize("piece", [b"X-Header: " + b"a" * 90 + b"\r\n", b"a" * 100, b"\r\n" * 50])
def test_a_head_without_end_is_cut_off(raw, piece):
    """However a head goes on for ever, the connection ends after a bounded number of bytes."""
    if piece != b"\r\n" * 50:
        raw.send("GET / HTTP/1.1\r\nX-First: ")
    assert raw.send_until_closed(piece * 640, 200 * MIB) < 20 * MIB


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nNUL: \0\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
    ],
    ids=[
        "words", "TLS", "HTTP/2", "not ASCII", "no colon", "NUL", "negative length", "two lengths",
        "length and chunks", "no chunk", "CONNECT",
    ],
)  # fmt: skip
def test_what_is_no_http_gets_an_error_in_the_usual_shape(raw, data):
    """A request that can't be read is a 400 in JSON with an id, and the end of the connection."""
    raw.send(data)
    answer = raw.answer()
    assert (answer.status, answer.error["error"]) == (400, "invalid_payload")
    assert answer.headers["connection"] == "close"
    assert raw.is_closed()


def test_what_came_before_is_answered_first(raw):
    """A request that is whole gets its own answer, also where nonsense follows it at once."""
    raw.send(HEALTH * 3 + b"nonsense\r\n\r\n")
    assert [raw.answer().status for _ in range(4)] == [200, 200, 200, 400]
    assert raw.is_closed()


def test_requests_sent_ahead_are_bounded(raw):
    """Some requests may be sent ahead of their answers; thousands of them are refused, after the first."""
    raw.send(HEALTH * 5_000)
    statuses = []
    while not statuses or statuses[-1] == 200:
        statuses.append(raw.answer().status)
    assert statuses[-1] == 400
    assert 30 < len(statuses) < 40
    assert raw.is_closed()


def test_a_trailer_is_no_header_of_the_next_request(raw, organisation):
    """What follows a chunked body as a trailer never becomes a credential, of this request or of the next."""
    trailer = f"Authorization: Bearer {organisation.key}\r\n".encode()
    chunked = (
        request("POST", "/v1/events", Transfer_Encoding="chunked") + b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n"
    )
    raw.send(chunked + request("GET", "/v1/rules"))
    assert [raw.answer().status for _ in range(2)] == [401, 401]


@pytest.mark.parametrize("extension", [b";" + b"a" * 100_000, None])
def test_frames_of_chunks_are_bounded(raw, organisation, extension):
    """Chunks of one byte, and chunks with endless extensions, cost more than they carry: 400. What is sent
    beyond the bound is so little that the server has read it before it closes."""
    headers = {"Authorization": f"Bearer {organisation.key}", "Transfer_Encoding": "chunked"}
    chunks = b"1\r\n \r\n" * 25_000 if extension is None else b"1" + extension + b"\r\n \r\n"
    raw.send(request("POST", "/v1/events", **headers))
    raw.send(chunks)
    answer = raw.answer()
    assert (answer.status, answer.error["error"]) == (400, "invalid_payload")


def test_a_body_beside_an_upgrade_is_a_body(raw, organisation):
    """Java's client asks for HTTP/2 beside its first request. The body belongs to that request, and is
    never taken for another one."""
    smuggled = request("GET", "/v1/health")
    headers = {
        "Authorization": f"Bearer {organisation.key}", "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c", "HTTP2_Settings": "AAMAAABkAAQAAP__",
    }  # fmt: skip
    event = b'{"event": "course.viewed", "user_id": "anna", "timestamp": 1772445600}'
    raw.send(
        request("POST", "/v1/events", smuggled, **headers) + request("POST", "/v1/events", event, **headers)
    )
    assert [raw.answer().status for _ in range(2)] == [400, 200]
    raw.send(request("GET", "/v1/health", Connection="Upgrade", Upgrade="websocket") + HEALTH)
    assert [raw.answer().status for _ in range(2)] == [200, 200]
