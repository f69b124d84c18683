"""The breaker of an endpoint: closed, open, half open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rocket_server.delivery import breaker
from rocket_server.delivery.breaker import Breaker

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPEN_S = 60.0
MAX_FAILURES = 5


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def after(held, *outcomes, now=NOW):
    for delivered in outcomes:
        held = breaker.after(held, delivered, now=now, max_failures=MAX_FAILURES, open_s=OPEN_S)
    return held


def test_some_failures_in_a_row_open_it():
    """Four failures pass; the fifth opens it, and nothing passes for a minute."""
    four = after(Breaker(), *[False] * 4)
    assert four.state == "closed"
    assert breaker.passes(four, NOW) is None
    five = after(four, False)
    assert (five.state, five.retry_at) == ("open", at(60))
    assert breaker.passes(five, at(59.9)) == 0


def test_a_success_between_failures_counts_anew():
    """Only failures in a row count."""
    assert after(Breaker(), *[False] * 4, True, *[False] * 4).state == "closed"


def test_one_probe_passes_when_its_time_is_over():
    """Half open, the first delivery passes and the next ones don't, until the probe is settled."""
    held = after(Breaker(), *[False] * 5)
    assert breaker.passes(held, at(60)) == 1
    held = breaker.probing(held, at(75))
    assert held.state == "half_open"
    assert breaker.passes(held, at(61)) == 0


def test_a_lost_probe_is_replaced():
    """When the lease of a probe is over, another one passes: its worker was lost."""
    held = breaker.probing(after(Breaker(), *[False] * 5), at(75))
    assert breaker.passes(held, at(75)) == 1


def test_a_probe_decides():
    """A success closes it, a failure opens it for as long again."""
    held = breaker.probing(after(Breaker(), *[False] * 5), at(75))
    assert after(held, True) == Breaker()
    again = after(held, False, now=at(70))
    assert (again.state, again.retry_at) == ("open", at(130))


def test_what_was_under_way_does_not_prolong_its_time():
    """Failures of deliveries that were sent before it opened leave its end where it was."""
    held = after(after(Breaker(), *[False] * 5), False, now=at(30))
    assert (held.state, held.retry_at, held.failures) == ("open", at(60), 6)


class Machine(RuleBasedStateMachine):
    """Outcomes, probes and time in any order."""

    @initialize()
    def begin(self):
        self.held, self.now, self.in_a_row = Breaker(), NOW, 0

    @rule(delivered=st.booleans())
    def end_of_an_attempt(self, delivered):
        self.held = after(self.held, delivered, now=self.now)
        self.in_a_row = 0 if delivered else self.in_a_row + 1

    @rule(seconds=st.floats(0, 200))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(lease_s=st.floats(0.1, 65))
    def probe(self, lease_s):
        if breaker.passes(self.held, self.now) == 1:
            self.held = breaker.probing(self.held, self.now + timedelta(seconds=lease_s))
            assert breaker.passes(self.held, self.now) == 0

    @invariant()
    def it_is_closed_or_its_time_ends(self):
        """Closed it has no time; otherwise that is never further away than it may be: nobody is shut out."""
        assert (self.held.state == "closed") == (self.held.retry_at is None)
        if self.held.retry_at is not None:
            assert self.held.retry_at - self.now <= timedelta(seconds=65)
            assert breaker.passes(self.held, self.held.retry_at) == 1

    @invariant()
    def it_is_closed_after_a_success_and_open_after_enough_failures(self):
        """Failures in a row decide, in whatever order time went by."""
        assert self.held.failures == self.in_a_row
        if self.in_a_row == 0:
            assert self.held == Breaker()
        if self.in_a_row >= MAX_FAILURES:
            assert self.held.state != "closed"


TestMachine = Machine.TestCase
