"""Both clients as wholes: retry with the same key, the breaker, hooks, headers, and how they end."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import pickle
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from support.clients import AT_ONCE, KINDS, call

from rocket_learning import (
    AsyncRocketClient,
    BreakerChanged,
    BreakerPolicy,
    CircuitOpenError,
    FieldError,
    NetworkError,
    Notice,
    RateLimitError,
    RequestTimeoutError,
    RetryPlanned,
    RetryPolicy,
    RocketClient,
    RocketError,
    ServerError,
    TryEnded,
    ValidationError,
)

AWARD = {"user_id": "u", "points": 5, "reason": "r"}
EVENT = {"event": "lesson.completed", "user_id": "u"}


class Server:
    """Answers in turn; an exception is raised instead."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_has_the_same_idempotency_key(kind: str) -> None:
    """However often an award is tried, the server knows that it is one."""
    server = Server(httpx.ConnectError("away"), httpx.Response(503), httpx.Response(429), ok(balance=5))
    assert call(kind, server, "points.award", AWARD)["balance"] == 5
    keys = {request.headers["Idempotency-Key"] for request in server.seen}
    assert (len(server.seen), len(keys)) == (4, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_sends_the_same_event(kind: str) -> None:
    """The event's id and time are those of the first try."""
    server = Server(httpx.ReadTimeout("late"), httpx.RemoteProtocolError("half"), ok(status="processed"))
    call(kind, server, "events.track", EVENT)
    assert len({request.content for request in server.seen}) == 1
    assert json.loads(server.seen[0].content)["event_id"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_calls_are_two(kind: str) -> None:
    """What the caller does twice counts twice."""
    server = Server(ok(), ok())
    call(kind, server, "points.award", AWARD)
    call(kind, server, "points.award", AWARD)
    assert len({request.headers["Idempotency-Key"] for request in server.seen}) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectTimeout("late"), RequestTimeoutError),
        (httpx.PoolTimeout("busy"), RequestTimeoutError),
        (httpx.ReadError("reset"), NetworkError),
        (httpx.DecodingError("garbled"), NetworkError),
    ],
)
def test_errors_of_the_network_have_names(kind: str, answer: Exception, error: type[Exception]) -> None:
    """After the last try the caller gets one of this package's errors, with httpx' as its cause."""
    with pytest.raises(error) as raised:
        call(kind, Server(answer), "health", {}, retry=RetryPolicy.none())
    assert raised.value.__cause__ is answer


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that never ends."""

    def __init__(self, chunk: bytes, pause_s: float) -> None:
        self.chunk, self.pause_s = chunk, pause_s

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(self.pause_s)
            yield self.chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(self.pause_s)
            yield self.chunk


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("stream", "error"),
    [(Drip(b" ", 0.01), RequestTimeoutError), (Drip(b" " * 4_000_000, 0), NetworkError)],
)
def test_an_answer_without_end_ends(kind: str, stream: Drip, error: type[Exception]) -> None:
    """A server that sends for ever holds a call no longer than its time-out, and no more than some memory."""
    timeout_s = 0.05 if error is RequestTimeoutError else 600.0
    options = {"retry": RetryPolicy.none(), "timeout_s": timeout_s}
    with pytest.raises(error):
        call(kind, lambda _: httpx.Response(200, stream=stream), "health", {}, **options)


@pytest.mark.parametrize(
    "error",
    [
        ValidationError([FieldError("user_id", "is required")]),
        RateLimitError("Wait.", status=429, code="rate_limit_exceeded", request_id="r", retry_after=7),
        CircuitOpenError(3.0),
        NetworkError("reset"),
    ],
)
def test_errors_travel_between_processes(error: RocketError) -> None:
    """A queue of jobs that pickles errors gets them back whole."""
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def test_the_breaker_opens_for_all_calls_of_a_client() -> None:
    """After five failed tries nothing is sent, whatever is called."""
    server = Server(*[httpx.Response(500)] * 5)
    transport = httpx.MockTransport(server)
    with RocketClient("k", retry=RetryPolicy.none(), transport=transport) as client:
        for _ in range(5):
            with pytest.raises(ServerError):
                client.events.track("lesson.completed", "u")
        with pytest.raises(CircuitOpenError):
            client.users.get_balance("u")
    assert len(server.seen) == 5


def test_a_call_whose_breaker_opens_ends_with_its_own_error() -> None:
    """The caller learns what went wrong, not that the breaker opened meanwhile."""
    server = Server(*[httpx.Response(500)] * 2)
    transport = httpx.MockTransport(server)
    client = RocketClient("k", retry=AT_ONCE, breaker=BreakerPolicy(threshold=2), transport=transport)
    with client, pytest.raises(ServerError):
        client.health()
    assert len(server.seen) == 2


async def test_a_call_that_is_given_up_leaves_the_breaker_usable() -> None:
    """A cancelled trial doesn't keep the circuit half open for ever."""
    answers = [httpx.Response(500)]
    waiting = asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        if answers:
            return answers.pop()
        waiting.set()
        await asyncio.sleep(3600)
        raise AssertionError

    async with AsyncRocketClient(
        "k",
        retry=RetryPolicy.none(),
        breaker=BreakerPolicy(threshold=1, reset_s=0),
        transport=httpx.MockTransport(handler),
    ) as client:
        with pytest.raises(ServerError):
            await client.health()
        trial = asyncio.create_task(client.health())
        await waiting.wait()
        assert client.breaker.state == "half_open"
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert client.breaker.state == "open"


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_hears_of_tries_retries_and_the_breaker(kind: str) -> None:
    """Each try with its status, each retry with its delay, each change of the breaker; no query, no key."""
    heard: list[Notice] = []
    server = Server(httpx.Response(500), ok())
    call(
        kind,
        server,
        "users.search",
        {"email": "ada@example.org"},
        hook=heard.append,
        breaker=BreakerPolicy(threshold=1, reset_s=0),
    )
    tries = [(notice.number, notice.status) for notice in heard if isinstance(notice, TryEnded)]
    assert tries == [(1, 500), (2, 200)]
    assert [notice.delay_s for notice in heard if isinstance(notice, RetryPlanned)] == [0]
    changes = [(notice.before, notice.after) for notice in heard if isinstance(notice, BreakerChanged)]
    assert changes == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    assert "ada@example.org" not in str(heard)
    assert "rk_test_key" not in str(heard)


def test_a_hook_that_fails_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An error in a hook is logged, and the call goes on."""

    def fail(_: Notice) -> None:
        raise RuntimeError("full disk")

    with caplog.at_level(logging.ERROR):
        assert call("blocking", Server(ok(status="ok")), "health", {}, hook=fail) == {"status": "ok"}
    assert "full disk" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_says_who_it_is(kind: str) -> None:
    """The key, what is accepted, and the name of this package."""
    server = Server(ok())
    call(kind, server, "events.track", EVENT)
    headers = server.seen[0].headers
    assert headers["Authorization"] == "Bearer rk_test_key"
    assert (headers["Accept"], headers["Content-Type"]) == ("application/json", "application/json")
    assert headers["User-Agent"].startswith("rocket-learning-sdk-python/")


@pytest.mark.parametrize("kind", KINDS)
def test_validation_can_be_switched_off(kind: str) -> None:
    """Then the server is the judge; with it, nothing wrong is sent."""
    server = Server(ok())
    with pytest.raises(ValidationError):
        call(kind, server, "events.track", {"event": "wrong", "user_id": "u"})
    assert not server.seen
    call(kind, server, "events.track", {"event": "wrong", "user_id": "u"}, validate_events=False)
    assert len(server.seen) == 1


def test_a_schema_can_be_set_and_taken_away() -> None:
    """A client checks by the schema that it has at the moment."""
    with RocketClient("k", transport=httpx.MockTransport(Server(ok()))) as client:
        client.set_event_schema({"properties": {"course_id": {"type": "string", "required": True}}})
        with pytest.raises(ValidationError, match=r"properties\.course_id"):
            client.events.track("lesson.completed", "u")
        client.set_event_schema(None)
        client.events.track("lesson.completed", "u")


def test_both_clients_have_the_same_calls() -> None:
    """What one can do the other can do, with the same parameters."""
    blocking, awaited = RocketClient("k"), AsyncRocketClient("k")
    groups = {name for name, value in vars(blocking).items() if hasattr(value, "sender")}
    assert groups == {"events", "points", "badges", "users", "leaderboard", "rules"}
    for group in groups:
        one, other = getattr(blocking, group), getattr(awaited, group)
        names = {name for name in vars(type(one)) if not name.startswith("_")}
        assert names == {name for name in vars(type(other)) if not name.startswith("_")}
        for name in names:
            method, twin = getattr(one, name), getattr(other, name)
            assert inspect.signature(method) == inspect.signature(twin)
            assert method.__doc__ == twin.__doc__
            assert "_" not in inspect.signature(method).parameters
