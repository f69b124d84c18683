"""What attempts say about an endpoint: warnings, recovery, and when it is disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.delivery import health
from rocket_server.delivery.breaker import Breaker
from rocket_server.delivery.health import Attempt, Health, HealthLimits
from rocket_server.delivery.model import AttemptResult

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = HealthLimits(5, 60.0, timedelta(hours=24), timedelta(hours=120))


def attempt(status=500, quiet=False):
    return Attempt(AttemptResult(NOW, 1, status, None, ""), quiet)


def hourly(hours, limits=LIMITS, status=500, quiet=False):
    """One attempt every hour: what was told, and after how many hours."""
    held, told = Health(), []
    for hour in range(hours):
        change = health.after(held, [attempt(status, quiet)], limits, NOW + timedelta(hours=hour))
        told.extend((hour, news) for news in change.news)
        if change.disabled:
            return told, change.disabled
        held = change.health
    return told, None


def test_days_of_failing():
    """A warning after a day, again each day, and after five days it is disabled."""
    told, disabled = hourly(500)
    assert told == [
        (24, "endpoint.failing"),
        (48, "endpoint.failing"),
        (72, "endpoint.failing"),
        (96, "endpoint.failing"),
        (120, "endpoint.disabled"),
    ]
    assert disabled == "failing"


def test_a_success_after_a_warning_is_told_once():
    """Who heard of the trouble hears of its end; who didn't, doesn't."""
    warned = Health(Breaker("open", 9, NOW), NOW - timedelta(hours=30), NOW - timedelta(hours=6))
    change = health.after(warned, [attempt(200), attempt(200)], LIMITS, NOW)
    assert (change.news, change.health, change.breaker) == (("endpoint.recovered",), Health(), "closed")
    unwarned = Health(Breaker("closed", 2), NOW - timedelta(hours=3))
    assert health.after(unwarned, [attempt(200)], LIMITS, NOW).news == ()


def test_rare_failures_do_not_disable_without_a_warning_first():
    """Two failures a week apart, with nothing sent between, are warned about and not punished at once."""
    held = health.after(Health(), [attempt()], LIMITS, NOW).health
    change = health.after(held, [attempt(), attempt()], LIMITS, NOW + timedelta(days=7))
    assert (change.news, change.disabled) == (("endpoint.failing",), None)
    later = health.after(change.health, [attempt()], LIMITS, NOW + timedelta(days=7, hours=23))
    assert later.disabled is None
    assert health.after(later.health, [attempt()], LIMITS, NOW + timedelta(days=8)).disabled == "failing"


def test_gone_disables_at_once():
    """One 410 is enough, and what was under way besides doesn't count."""
    change = health.after(Health(), [attempt(200), attempt(410), attempt(200)], LIMITS, NOW)
    assert (change.disabled, change.news) == ("gone", ("endpoint.disabled",))


@pytest.mark.parametrize("status", [500, 410])
def test_news_that_cannot_be_delivered_make_no_more(status):
    """An endpoint that is only told about others, and fails, causes no messages, or they would never end."""
    assert hourly(500, status=status, quiet=True)[0] == []


def test_the_breaker_says_when_it_moved():
    """Opened and closed are said once, where the state at the end is another."""
    opened = health.after(Health(), [attempt()] * 5, LIMITS, NOW)
    assert opened.breaker == "opened"
    assert health.after(opened.health, [attempt()], LIMITS, NOW).breaker is None
    assert health.after(opened.health, [attempt(204)], LIMITS, NOW).breaker == "closed"


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from([200, 500, 503, None])), max_size=80))
def test_any_history(history):
    """Warnings come a day apart at least, only after a day of failing; one without isn't disabled."""
    held, now, warned, since = Health(), NOW, [], None
    for hours, status in history:
        now += timedelta(hours=hours)
        change = health.after(held, [attempt(status)], LIMITS, now)
        held = change.health
        if status == 200:
            assert change.news == (("endpoint.recovered",) if warned else ())
            assert held == Health()
            warned, since = [], None
            continue
        since = since or now
        assert held.failing_since == since
        if "endpoint.failing" in change.news:
            assert now - since >= timedelta(hours=24)
            assert not warned or now - warned[-1] >= timedelta(days=1)
            warned.append(now)
        if change.disabled:
            assert warned
            assert now - since >= timedelta(hours=120)
            return
