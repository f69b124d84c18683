"""How much one endpoint may have in flight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rocket_server.worker.window import FIRST, MOST, Window


def test_it_begins_small_and_smaller_where_failures_are_known():
    """A new endpoint gets a few slots, one that failed before gets one."""
    assert Window().size == FIRST
    assert [Window(failures).size for failures in (1, 2, 3, 1000)] == [2, 1, 1, 1]
    assert Window(3).failing


def test_it_grows_while_all_is_well():
    """Enough successes lead to the greatest size, and no further."""
    window = Window()
    for _ in range(MOST):
        window.succeeded()
    assert window.size == MOST


@given(st.lists(st.booleans(), max_size=200))
def test_it_is_bounded_and_halves_with_each_failure(outcomes):
    """One slot is always left, and the last outcome says whether it fails."""
    window = Window()
    for delivered in outcomes:
        before = window.size
        if delivered:
            window.succeeded()
            assert before <= window.size <= before + 1
        else:
            window.failed()
            assert window.size == max(1, before // 2)
        assert 1 <= window.size <= MOST
        assert window.failing is not delivered
