"""The throttle of an endpoint: no more in a second than it may get, and no less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.delivery import throttle

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
rates = st.floats(0.001, 10_000)


@pytest.mark.parametrize(("per_s", "first"), [(0.01, 1), (1, 1), (2, 2), (10, 6), (1000, 501)])
def test_what_passes_at_first(per_s, first):
    """Half a second's worth and one more; one at least, however slow the rate."""
    assert throttle.passes(None, per_s, NOW) == first
    assert throttle.passes(NOW - timedelta(days=1), per_s, NOW) == first


def test_a_slow_rate():
    """One in ten seconds: the next one waits for the rest of them, half a second of it forgiven."""
    held = throttle.taken(None, 0.1, NOW, 1)
    assert throttle.passes(held, 0.1, NOW + timedelta(seconds=9.4)) == 0
    assert throttle.passes(held, 0.1, NOW + timedelta(seconds=9.5)) == 1


@given(rates, st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_never_more_than_the_rate(per_s, pauses):
    """Who takes all that passes, at whatever times, gets rate times time and a burst, no more."""
    held, now, taken = None, NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        count = throttle.passes(held, per_s, now)
        if count:
            held = throttle.taken(held, per_s, now, count)
            taken += count
        assert throttle.passes(held, per_s, now) <= 1  # what rounding to microseconds leaves
        elapsed = (now - NOW).total_seconds()
        assert taken <= per_s * (elapsed + throttle.BURST_S) * 1.001 + 2


@given(st.floats(0.1, 1000))
def test_no_less_than_the_rate(per_s):
    """Who looks every quarter of a second gets what the rate allows."""
    held, now, taken = None, NOW, 0
    for _ in range(400):
        count = throttle.passes(held, per_s, now)
        if count:
            held = throttle.taken(held, per_s, now, count)
            taken += count
        now += timedelta(seconds=0.25)
    assert taken >= per_s * 99.75 * 0.99 - 1
