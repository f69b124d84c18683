"""Bodies over bare sockets: refused before they are read where the credential is, bounded in time and in sum,
and an answer that the client finds however it sends."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import time
from urllib.parse import urlsplit

import psutil
import pytest

from support.raw import Raw, request

MIB = 1024 * 1024
HEALTH = request("GET", "/v1/health")
EVENT = b'{"event": "course.viewed", "user_id": "anna", "timestamp": 1772445600}'
LARGE = {"Content_Length": str(16 * MIB)}


def key(organisation):
    return {"Authorization": f"Bearer {organisation.key}"}


@pytest.fixture(scope="module")
def narrow(start_server):
    """A server with room for few bodies, that soon gives up on one that doesn't come."""
    return start_server(
        "narrow",
        ROCKET_MAX_BUFFERED_BYTES=str(4 * MIB),
        ROCKET_MAX_BODY_BYTES=str(MIB // 2),
        ROCKET_MAX_BATCH_BYTES=str(MIB // 2),
        ROCKET_BODY_TIMEOUT="0.5",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("POST", "/v1/events/batch"),
        ("POST", "/api/events/batch"),
        ("POST", "/v1/events/validate"),
        ("POST", "/api/validate/event"),
        ("POST", "/api/public/hook/moodle/event"),
        ("POST", "/v1/points/award"),
        ("PUT", "/v1/rules"),
        ("POST", "/v1/badges"),
        ("PATCH", "/v1/organisation"),
        ("POST", "/v1/users"),
    ],
)
@pytest.mark.parametrize("credential", [None, "rk_live_nonsense"], ids=["none", "unknown"])
def test_a_credential_is_refused_before_the_body(server, method, path, credential):
    """Without a good key or token the answer comes from the head: nothing of the body has to be sent."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    with Raw(server.url) as raw:
        raw.send(request(method, path, Content_Type="application/json", **LARGE, **headers))
        answer = raw.answer()
    assert (answer.status, answer.error["error"]) == (401, "authentication_failed")


def test_every_route_that_reads_a_body_asks_for_a_credential(server):
    """No path of the document takes a body from just anybody."""
    document = server.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation or "hook/{source}" in path:
                continue
            with Raw(server.url) as raw:
                raw.send(request(method.upper(), re.sub(r"{\w+}", "x", path), Content_Length="100000"))
                assert raw.answer().status == 401, path


def test_a_signature_without_a_source_is_refused_before_the_body(server, organisation):
    """A signature needs the body, but only where there is a source whose secret it could fit."""
    for name in ("nobody", "moodle"):
        with Raw(server.url) as raw:
            raw.send(request("POST", f"/api/public/hook/{name}/event", X_Signature="sha256=00", **LARGE))
            assert raw.answer().status == 401


@pytest.mark.parametrize("path", ["/v1/events", "/v1/points/award"])
def test_who_sends_everything_first_finds_the_answer(server, organisation, path):
    """Python's own client sends the whole body before it reads; it gets the 413, and the 401, all the same,
    also where it closes the connection afterwards."""
    target = urlsplit(server.url)
    for headers, status in ((key(organisation), 413), ({}, 401)):
        for closing in ({}, {"Connection": "close"}):
            client = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
            client.request("POST", path, b" " * (20 * MIB), headers | closing)
            assert client.getresponse().status == status
            client.close()


def test_what_follows_an_answer_is_bounded(server):
    """After a refusal the rest of a body is thrown away, but not for ever."""
    with Raw(server.url) as raw:
        raw.send(request("POST", "/v1/events", Content_Length=str(10**12)))
        assert raw.answer().status == 401
        assert raw.send_until_closed(b" " * MIB, 200 * MIB) < 100 * MIB


def test_a_body_that_stops_is_a_400(narrow, organisation):
    """Who says nothing more in the middle of a body, or a byte now and then, is told so after a while."""
    for trickle in (b"", b" "):
        with Raw(narrow.url) as raw:
            raw.send(request("POST", "/v1/events", Content_Length="1000", **key(organisation)) + b"{")
            with contextlib.suppress(ConnectionError):
                for _ in range(20 if trickle else 0):
                    raw.send(trickle)
                    time.sleep(0.1)
            answer = raw.answer()
            assert (answer.status, answer.error["error"]) == (400, "invalid_payload")
            assert "did not arrive" in answer.error["message"]
            assert raw.is_closed()


def test_unfinished_bodies_of_one_sender_are_bounded(narrow, make_organisation):
    """One organisation's unfinished batches get a share of the room: beyond it 503 with Retry-After, while
    the batches of others, and its own single events, go on."""
    one, other = make_organisation().on(narrow), make_organisation().on(narrow)
    with contextlib.ExitStack() as stack:
        refused = []
        for _ in range(6):
            raw = stack.enter_context(Raw(narrow.url))
            raw.send(request("POST", "/v1/events/batch", Content_Length=str(MIB // 2), **key(one)))
            raw.send(b" " * (MIB * 2 // 5))
            raw.socket.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                refused.append(raw.answer())
        assert refused
        assert {answer.status for answer in refused} <= {400, 503}
        full = [answer for answer in refused if answer.status == 503]
        assert full
        assert full[0].error["error"] == "unavailable"
        assert int(full[0].headers["retry-after"]) >= 1
        assert one.api.event("course.viewed")["status"] == "processed"
        batch = {"events": [{"event": "course.viewed", "user_id": "b", "properties": {"x": "y" * 200_000}}]}
        assert other.api.post("/v1/events/batch", batch).status_code == 200
    text = narrow.client.get("/metrics").text
    assert re.search(r"^rocket_buffered_bytes \d", text, re.M)


def test_bodies_that_were_refused_hold_nothing(narrow, organisation):
    """After any number of bodies, good or refused, nothing of the room is taken."""
    process = organisation.on(narrow)
    for body in (EVENT, b"{", b" " * MIB, gzip.compress(EVENT), gzip.compress(b" " * MIB * 4), b"no gzip"):
        for encoding in ("identity", "gzip"):
            headers = {"Content-Encoding": encoding}
            process.api.request("POST", "/v1/events", content=body, headers=headers)
    text = narrow.client.get("/metrics").text
    assert re.search(r"^rocket_buffered_bytes 0(\.0)?$", text, re.M)


def test_members_of_gzip_are_few(organisation, server):
    """Three megabytes of empty members, which took seconds of everybody's time, are a 400 at once; a stream
    packed in pieces is still read."""
    pieces = b"".join(gzip.compress(EVENT[start : start + 2]) for start in range(0, len(EVENT), 2))
    gzipped = {"Content-Encoding": "gzip"}
    assert organisation.api.request("POST", "/v1/events", content=pieces, headers=gzipped).status_code == 200
    before = psutil.Process(server.process.pid).cpu_times()
    bomb = gzip.compress(b"") * (3 * MIB // 20)
    response = organisation.api.request("POST", "/v1/events/batch", content=bomb, headers=gzipped)
    after = psutil.Process(server.process.pid).cpu_times()
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload")
    assert response.json()["details"]["limit_members"] == 64
    assert after.user - before.user < 2


def test_what_a_body_may_unpack_to_can_be_set(start_server, organisation):
    """ROCKET_MAX_EXPANDED_BYTES bounds what comes out of gzip, in batches too."""
    tight = start_server("tight", ROCKET_MAX_EXPANDED_BYTES="10000")
    process = organisation.on(tight)
    gzipped = {"Content-Encoding": "gzip"}
    for path in ("/v1/events", "/v1/events/batch"):
        body = gzip.compress(b" " * 20_000)
        response = process.api.request("POST", path, content=body, headers=gzipped)
        assert (response.status_code, response.json()["details"]) == (413, {"limit_bytes": 10_000})
    good = process.api.request("POST", "/v1/events", content=gzip.compress(EVENT), headers=gzipped)
    assert good.status_code == 200


def test_a_large_gzip_body_is_read(organisation):
    """A batch that is unpacked beside the loop arrives whole."""
    event = {"event": "course.viewed", "timestamp": 1772445600, "properties": {"padding": "x" * 1000}}
    events = [{**event, "user_id": f"u{number}"} for number in range(2000)]
    body = gzip.compress(json.dumps({"events": events}).encode(), 1)
    response = organisation.api.request(
        "POST", "/v1/events/batch", content=body, headers={"Content-Encoding": "gzip"}
    )
    assert response.json()["processed"] == 2000


def test_who_waits_for_leave_to_send_gets_it_or_a_refusal(server, organisation):
    """With `Expect: 100-continue` a client sends its body only after its credential was accepted."""
    expecting = {"Expect": "100-continue", "Content_Length": str(len(EVENT))}
    with Raw(server.url) as raw:
        raw.send(request("POST", "/v1/events", **expecting))
        assert raw.answer().status == 401
    with Raw(server.url) as raw:
        raw.send(request("POST", "/v1/events", **expecting, **key(organisation)))
        assert raw.answer().status == 100
        raw.send(EVENT)
        assert raw.answer().status == 200
