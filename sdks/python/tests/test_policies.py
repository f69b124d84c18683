"""When to try again, when to stop trying, and what an answer means."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.cases import cases, read
from support.clients import KINDS, call

import rocket_learning
from rocket_learning import (
    ApiError,
    CircuitBreaker,
    CircuitOpenError,
    NetworkError,
    RequestTimeoutError,
    RetryPolicy,
    TransportError,
    generate_test_events,
)
from rocket_learning.breaker import is_failure
from rocket_learning.errors import api_error


def failure_of(outcome: dict[str, Any]) -> ApiError | TransportError:
    """The error that an outcome of the cases is."""
    if outcome["kind"] == "network":
        return NetworkError("reset")
    if outcome["kind"] == "timeout":
        return RequestTimeoutError("late")
    return ApiError("no", status=outcome["status"], retry_after=outcome.get("retry_after_s"))


@cases("retry", "cases")
def test_the_next_try_comes_when_the_cases_say(case: dict[str, Any]) -> None:
    """The delay before the next try, or that there is none."""
    given = {**read("retry")["defaults"], **case["policy"]}
    policy = RetryPolicy(**{_seconds(name): _in_seconds(name, value) for name, value in given.items()})
    delay_s = policy.delay_s(failure_of(case["outcome"]), case["retry"], case["random"])
    if case["delay_ms"] is None:
        assert delay_s is None
    else:
        assert delay_s is not None
        assert delay_s * 1000 == pytest.approx(case["delay_ms"], abs=1)


def test_the_defaults_of_retry_are_those_of_the_cases() -> None:
    """Who gives no policy gets the one of the cases."""
    given = read("retry")["defaults"]
    assert RetryPolicy() == RetryPolicy(**{_seconds(name): _in_seconds(name, given[name]) for name in given})


def _seconds(name: str) -> str:
    return name.replace("_ms", "_s")


def _in_seconds(name: str, value: Any) -> Any:
    return value / 1000 if name.endswith("_ms") else value


@cases("breaker", "failures")
def test_what_counts_as_a_failure(case: dict[str, Any]) -> None:
    """A server that answers works, even where it refuses."""
    outcome = case["outcome"]
    is_success = outcome["kind"] == "status" and outcome["status"] < 300
    assert is_failure(None if is_success else failure_of(outcome)) == case["failure"]


@cases("breaker", "cases")
def test_the_breaker_goes_as_the_cases_say(case: dict[str, Any]) -> None:
    """On a scripted clock each step has its answer and its state."""
    given = {**read("breaker")["defaults"], **case}
    now_s = 0.0
    breaker = CircuitBreaker(given["threshold"], given["reset_s"], clock=lambda: now_s)
    for step in case["steps"]:
        now_s = step["at_s"]
        if step["do"] == "ask":
            assert _may_enter(breaker) == step["allowed"], step
        else:
            {"success": breaker.succeeded, "failure": breaker.failed, "cancel": breaker.cancelled}[
                step["do"]
            ]()
        assert breaker.state == step["state"], step


def test_a_breaker_guards_what_is_ones_own() -> None:
    """Whatever the caller does inside counts: an exception as a failure, an interruption as nothing."""
    breaker = CircuitBreaker(threshold=2, reset_s=3600)
    with pytest.raises(KeyboardInterrupt), breaker.guard():
        raise KeyboardInterrupt
    for _ in range(2):
        with pytest.raises(OSError, match="away"), breaker.guard():
            raise OSError("away")
    with pytest.raises(CircuitOpenError), breaker.guard():
        raise AssertionError("the circuit is open")


def _may_enter(breaker: CircuitBreaker) -> bool:
    try:
        breaker.enter()
    except CircuitOpenError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
@cases("errors", "cases")
def test_an_answer_becomes_its_error(kind: str, case: dict[str, Any]) -> None:
    """Status, headers and body decide the kind of error and what it tells."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(case["status"], headers=case["headers"], text=case["body"])

    with pytest.raises(ApiError) as raised:
        call(kind, answer, "users.get_balance", {"user_id": "u"})
    error = raised.value
    assert type(error) is getattr(rocket_learning, case["error"])
    assert (error.status, error.code, error.message) == (case["status"], case["code"], case["message"])
    assert (error.request_id, error.details) == (case["request_id"], case["details"])
    assert error.retry_after == case["retry_after_s"]


def test_an_error_says_what_an_administrator_needs() -> None:
    """The text of an error has its message, status, code and request."""
    body = b'{"error": "conflict", "message": "Used before.", "details": {}, "request_id": "req-1"}'
    assert str(api_error(409, {}, body)) == "Used before. (status 409, conflict, request req-1)"


@cases("generator", "cases")
def test_generated_events_are_those_of_the_cases(case: dict[str, Any]) -> None:
    """Events for trying out: kinds in turn, three lessons a course, any progress."""
    made = generate_test_events(case["user_id"], case["count"])
    for event in made:
        assert event.pop("timestamp").endswith("Z")
        assert 0 <= event["properties"].pop("progress_pct") <= 99
    assert made == case["events"]
    assert len(generate_test_events("u")) == read("generator")["default_count"]
