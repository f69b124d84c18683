"""A call as data, and the conversation that it takes: tries, waits and the breaker, without any network.

The conversation is a generator that yields what is to be done next and is sent what came of it. A blocking
client and an async one drive the same generator, so that both behave the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from rocket_learning.breaker import CircuitBreaker, is_failure
from rocket_learning.errors import ApiError, CircuitOpenError, TransportError, api_error
from rocket_learning.events import rfc3339
from rocket_learning.retry import RetryPolicy
from rocket_learning.watching import Hook, RetryPlanned, TryEnded, tell

Result = TypeVar("Result", covariant=True)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """What to ask of the server; the answer, a JSON object, is a Result."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    idempotency_key: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = {} if self.body is None else {"Content-Type": "application/json"}
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` finds names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Send:
    """Make the request; send back an Answer or a TransportError."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so long; send back None."""

    seconds: float


Step = Send | Wait
Outcome = Answer | TransportError | None
Conversation = Generator[Step, Outcome, dict[str, Any]]


def get(path: str, **query: Any) -> Call[Any]:
    """A read; arguments that are None aren't sent."""
    return Call("GET", path, {name: _text(value) for name, value in query.items() if value is not None})


def post(path: str, body: Body, idempotency_key: str | None = None) -> Call[Any]:
    """A write."""
    encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Call("POST", path, {}, encoded, idempotency_key)


def segment(value: str) -> str:
    """A value as one part of a path, whatever is in it."""
    return quote(value, safe="-._~")


def converse(
    call: Call[Any],
    url: str,
    policy: RetryPolicy,
    breaker: CircuitBreaker,
    random: Callable[[], float],
    hook: Hook | None,
) -> Conversation:
    """Everything that a call takes, until an answer is returned or an error raised."""
    failure: ApiError | TransportError | None = None
    retry = 0
    while True:
        try:
            breaker.enter()
        except CircuitOpenError:
            if failure is not None:
                raise failure from None
            raise
        failure = yield from _try(call, url, retry + 1, breaker, hook)
        if isinstance(failure, dict):
            return failure
        delay_s = policy.delay_s(failure, retry, random())
        if delay_s is None:
            raise failure
        tell(hook, RetryPlanned(call.method, url, retry + 1, delay_s))
        yield Wait(delay_s)
        retry += 1


def _try(
    call: Call[Any], url: str, number: int, breaker: CircuitBreaker, hook: Hook | None
) -> Generator[Step, Outcome, Any]:
    """One try: the decoded answer, or the error that it is."""
    try:
        outcome = yield Send()
    except BaseException:  # the caller was interrupted, or gave up
        breaker.cancelled()
        raise
    result: dict[str, Any] | ApiError | TransportError
    if isinstance(outcome, Answer):
        result = _decoded(outcome)
        tell(hook, TryEnded(call.method, url, number, outcome.status, None, outcome.elapsed_ms))
    else:
        assert isinstance(outcome, TransportError)
        result = outcome
        tell(hook, TryEnded(call.method, url, number, None, str(outcome), None))
    if is_failure(None if isinstance(result, dict) else result):
        breaker.failed()
    else:
        breaker.succeeded()
    return result


def _decoded(answer: Answer) -> dict[str, Any] | ApiError:
    if 200 <= answer.status < 300:
        try:
            value = json.loads(answer.body)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
    return api_error(answer.status, answer.headers, answer.body)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
