"""Connections that say nothing, half of something, or don't listen: each phase has its time, and those that
say something are let in."""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from support.raw import Raw, request

MIB = 1024 * 1024
HEALTH = request("GET", "/v1/health")


@pytest.fixture(scope="module")
def impatient(start_server):
    """A server with short time limits and few connections."""
    return start_server(
        "impatient",
        ROCKET_HEAD_TIMEOUT="0.5",
        ROCKET_KEEP_ALIVE_TIMEOUT="0.5",
        ROCKET_BODY_TIMEOUT="0.5",
        ROCKET_WRITE_TIMEOUT="1",
    )


@pytest.fixture(scope="module")
def crowded(start_server):
    """A server with room for few connections, that waits long."""
    return start_server("crowded", ROCKET_MAX_CONNECTIONS="40", ROCKET_MAX_CONNECTIONS_PER_ADDRESS="0")


@pytest.fixture(scope="module")
def shared_address(start_server):
    """A server that takes ten connections from one address, that waits long."""
    return start_server("shared address", ROCKET_MAX_CONNECTIONS_PER_ADDRESS="10")


def ended(server, reason):
    """How many connections ended for `reason`, by the server's metrics."""
    with Raw(server.url) as raw:
        raw.send(request("GET", "/metrics"))
        text = raw.answer().body.decode()
    found = re.search(rf'^rocket_connections_ended_total{{reason="{reason}"}} (\S+)', text, re.M)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"", "head_timeout"), (b"GET / HT", "head_timeout"), (b"\r\n", "head_timeout"), (HEALTH, "idle")],
    ids=["nothing", "half a head", "an empty line", "a request and nothing more"],
)
def test_who_says_no_more_is_closed(impatient, said, reason):
    """A connection without a whole request ends after the time for one, an unused one after the time for
    that; the metrics say why."""
    before = ended(impatient, reason)
    with Raw(impatient.url) as raw:
        raw.send(said)
        if said == HEALTH:
            assert raw.answer().status == 200
        assert raw.is_closed()
    assert ended(impatient, reason) > before


def test_a_head_that_trickles_in_is_closed(impatient):
    """Sending a byte now and then doesn't lengthen the time for a head."""
    with Raw(impatient.url) as raw:
        raw.send("GET / HTTP/1.1\r\nX-Slow: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(300):
                raw.send("a")
                time.sleep(0.1)
            pytest.fail("the head went on for half a minute")


def test_an_answer_that_is_not_read_ends(impatient, organisation):
    """Who asks and asks without reading is cut off, and its answers aren't kept."""
    before = ended(impatient, "write_timeout")
    page = request("GET", "/openapi.json")
    with Raw(impatient.url) as raw:
        taken = raw.send_until_closed(page * 20, 200 * MIB)
        assert taken < 100 * MIB
    assert ended(impatient, "write_timeout") > before


def test_silent_connections_give_way(crowded):
    """With all places taken by connections that say nothing, a client that does is let in at once, again and
    again, and the oldest silent ones go."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Raw(crowded.url)) for _ in range(60)]
        for _ in range(60):
            with Raw(crowded.url) as good:
                good.send(HEALTH)
                assert good.answer().status == 200
        assert silent[0].is_closed()
    assert ended(crowded, "made_room") >= 20


def test_half_requests_and_idle_connections_give_way(crowded):
    """Half a head holds a place no better than silence; nor does a connection whose request was answered."""
    for said in (b"GET / HTTP/1.1\r\nX-Half: ", HEALTH):
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                raw = stack.enter_context(Raw(crowded.url))
                raw.send(said)
                if said == HEALTH:
                    assert raw.answer().status == 200
            with Raw(crowded.url) as good:
                good.send(HEALTH)
                assert good.answer().status == 200


def test_one_address_has_a_bound(shared_address):
    """Beyond its bound an address pays for a new connection with its oldest silent one."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Raw(shared_address.url)) for _ in range(25)]
        assert all(raw.is_closed() for raw in silent[:10])
        with Raw(shared_address.url) as good:
            good.send(HEALTH)
            assert good.answer().status == 200


def test_bodies_that_stopped_give_way(crowded, organisation):
    """A good key and a length that nothing follows hold a place no better than silence does, once they have
    held it for a moment."""
    key = organisation.api.key
    named = {"Authorization": f"Bearer {key}", "Content_Length": "100"}
    announced = request("POST", "/v1/events", **named)
    with contextlib.ExitStack() as stack:
        stopped = [stack.enter_context(Raw(crowded.url)) for _ in range(40)]
        for raw in stopped:
            raw.send(announced)
        time.sleep(0.5)  # the moment
        for _ in range(20):
            with Raw(crowded.url) as good:
                good.send(HEALTH)
                assert good.answer().status == 200
        assert stopped[0].answer().status == 400
