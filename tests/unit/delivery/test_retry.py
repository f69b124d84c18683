"""What follows a try: when the next one is, why, and when there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.delivery import retry
from rocket_server.delivery.model import AttemptResult

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

statuses = st.one_of(st.none(), st.integers(100, 599))
randoms = st.floats(0, 1, exclude_max=True)
bases = st.floats(0.001, 3600)
tries_made = st.integers(1, 1000)


def outcome(status=500, error=None, retry_after_s=None):
    return AttemptResult(NOW, 5, status, error, "", retry_after_s)


def after(outcome, tries=1, max_attempts=4, base_s=10.0, random=0.0):
    return retry.after(outcome, tries=tries, max_attempts=max_attempts, base_s=base_s, now=NOW, random=random)


def wait_s(following):
    return (following.at - NOW).total_seconds()


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_delivered(status):
    """A receiver may answer with any status of success."""
    following = after(outcome(status))
    assert (following.verdict, following.status, following.at) == ("delivered", "delivered", None)
    assert following.reason == f"HTTP {status}; delivered"


def test_the_schedule():
    """One first try and three retries: after 10, 50 and 250 seconds, as is said; then it is given up."""
    followings = [after(outcome(), tries=tries) for tries in (1, 2, 3, 4)]
    assert [wait_s(following) for following in followings[:3]] == [10, 50, 250]
    assert [following.reason for following in followings] == [
        "HTTP 500; retry 1 of 3 in 10 s",
        "HTTP 500; retry 2 of 3 in 50 s",
        "HTTP 500; retry 3 of 3 in 250 s",
        "HTTP 500; that was try 4 of 4",
    ]
    assert [following.status for following in followings] == ["pending"] * 3 + ["exhausted"]
    assert followings[3].at is None


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 409, 422, 429, 500, 503])
def test_everything_else_is_tried_again(status):
    """Redirects and refusals too: a receiver may be mended."""
    assert after(outcome(status)).verdict == "retry"


def test_no_answer_is_tried_again_and_named():
    """What kept an answer from coming stands in the reason."""
    assert after(outcome(None, "timeout")).reason == "timeout; retry 1 of 3 in 10 s"


def test_gone_disables_and_uses_up_no_try():
    """410 is no failure of the delivery: it waits until the endpoint is enabled again."""
    following = after(outcome(410), tries=4)
    assert (following.verdict, following.status, following.tries, following.at) == ("gone", "pending", 0, NOW)


def test_a_single_try():
    """Where one try is all that is wanted, the first failure is the end, and says so."""
    assert after(outcome(), max_attempts=1).reason == "HTTP 500; that was the only try"


def test_retry_after_is_named():
    """The reason says who asked for the longer wait."""
    following = after(outcome(429, retry_after_s=120))
    assert following.reason == "HTTP 429; Retry-After asked for 120 s; retry 1 of 3 in 120 s"
    assert wait_s(following) == 120


@given(statuses, tries_made, st.integers(1, 20), bases, randoms, st.floats(0, 1e9) | st.none())
def test_every_outcome_has_one_consequence(status, tries, max_attempts, base_s, random, retry_after_s):
    """Whatever happens, exactly one thing follows, it is bounded in time, and it is explained."""
    following = after(
        outcome(status, None if status else "reset", retry_after_s), tries, max_attempts, base_s, random
    )
    assert following.reason
    assert (following.at is not None) == (following.status == "pending")
    if following.verdict == "retry":
        assert tries < max_attempts
        longest = max(retry.WAIT_MAX_S * (1 + retry.JITTER), retry.RETRY_AFTER_MAX_S)
        assert timedelta() < following.at - NOW <= timedelta(seconds=longest)


@given(tries_made, bases, randoms)
def test_jitter_is_bounded_and_never_shortens(tries, base_s, random):
    """A wait is as long as without jitter, or up to a fifth longer."""
    plain = retry.backoff_s(tries, base_s, 0)
    assert plain <= retry.backoff_s(tries, base_s, random) <= plain * (1 + retry.JITTER)
    assert plain <= retry.WAIT_MAX_S


@given(tries_made, bases)
def test_waits_never_get_shorter(tries, base_s):
    """A later retry waits at least as long as an earlier one."""
    assert retry.backoff_s(tries, base_s, 0) <= retry.backoff_s(tries + 1, base_s, 0)


@given(st.integers(1, 3), bases, randoms, st.floats(0, 1e9))
def test_retry_after_only_lengthens(tries, base_s, random, retry_after_s):
    """No receiver can make itself be called earlier than without the header, nor later than a day."""
    without = after(outcome(503), tries, base_s=base_s, random=random)
    with_it = after(outcome(503, retry_after_s=retry_after_s), tries, base_s=base_s, random=random)
    assert with_it.at >= without.at
    assert with_it.at <= max(without.at, NOW + timedelta(seconds=retry.RETRY_AFTER_MAX_S))


@pytest.mark.parametrize(("value", "said"), [(0.25, "0.2 s"), (3.0, "3 s"), (58.4, "58 s")])
def test_seconds(value, said):
    """A digit after the point only where it matters."""
    assert retry.seconds(value) == said
