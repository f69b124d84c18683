"""Accounts and entries: what each movement does to a balance."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.accounts import ISSUANCE, REDEMPTION
from rocket_server.errors import InsufficientPoints
from rocket_server.ledger import model
from rocket_server.ledger.model import Account, Cause, Entry

CAUSE = Cause("tests", datetime(2026, 3, 2, tzinfo=UTC))


def test_an_award_comes_from_issuance():
    """An award moves points from issuance to the learner, and counts as earned."""
    account = Account("anna")
    entry = model.award(account, "e1", 50, CAUSE)
    assert (entry.from_account, entry.to_account, entry.amount) == (ISSUANCE, "anna", 50)
    assert (entry.number, entry.balance_after) == (1, 50)
    assert account == Account("anna", points=50, earned=50, spent=0, entries=1)


def test_a_deduction_goes_to_redemption():
    """A deduction moves points from the learner to redemption, and counts as spent."""
    account = Account("anna", points=50, earned=50, spent=0, entries=1)
    entry = model.deduct(account, "e2", 20, CAUSE)
    assert (entry.from_account, entry.to_account) == ("anna", REDEMPTION)
    assert account == Account("anna", points=30, earned=50, spent=20, entries=2)


def test_nobody_spends_more_than_there_is():
    """A deduction beyond the balance is refused, says what there is, and changes nothing."""
    account = Account("anna", points=5, earned=5, spent=0, entries=1)
    with pytest.raises(InsufficientPoints) as refused:
        model.deduct(account, "e2", 6, CAUSE)
    assert refused.value.details == {"balance": 5, "requested": 6}
    assert account == Account("anna", points=5, earned=5, spent=0, entries=1)


def test_a_reversed_award_may_leave_a_debt_that_the_next_points_repay():
    """What was spent of an award that is taken back is owed."""
    account = Account("anna")
    model.award(account, "e1", 50, CAUSE)
    model.deduct(account, "e2", 40, CAUSE)
    reversal = model.reverse(account, "e3", "e1", "award", 50, CAUSE)
    assert (reversal.from_account, reversal.to_account, reversal.reverses) == ("anna", ISSUANCE, "e1")
    assert (account.points, account.earned, account.spent) == (-40, 0, 40)
    model.award(account, "e4", 50, CAUSE)
    assert account.points == 10


def test_a_reversed_deduction_gives_back():
    """A reversed deduction counts as not spent."""
    account = Account("anna", points=50, earned=50, spent=0, entries=1)
    model.deduct(account, "e2", 20, CAUSE)
    reversal = model.reverse(account, "e3", "e2", "deduction", 20, CAUSE)
    assert (reversal.from_account, reversal.to_account) == (REDEMPTION, "anna")
    assert (account.points, account.earned, account.spent) == (50, 50, 0)


@given(
    st.lists(st.tuples(st.sampled_from(["award", "deduct", "reverse"]), st.integers(1, 1000)), max_size=60)
)
def test_balances_are_what_entries_add_up_to(steps: list[tuple[str, int]]):
    """Whatever happens: the balance is the sum of the entries, numbers have no gap, all accounts are zero
    together, and spending never goes below zero."""
    account = Account("anna")
    entries: list[Entry] = []
    open_entries: list[Entry] = []
    for number, (step, amount) in enumerate(steps):
        entry_id = f"e{number}"
        if step == "award":
            entries.append(model.award(account, entry_id, amount, CAUSE))
            open_entries.append(entries[-1])
        elif step == "deduct":
            if amount > account.points:
                with pytest.raises(InsufficientPoints):
                    model.deduct(account, entry_id, amount, CAUSE)
                continue
            entries.append(model.deduct(account, entry_id, amount, CAUSE))
            assert account.points >= 0
            open_entries.append(entries[-1])
        elif open_entries:
            undone = open_entries.pop(amount % len(open_entries))
            entries.append(
                model.reverse(account, entry_id, undone.entry_id, undone.kind, undone.amount, CAUSE)
            )
    totals = {"anna": 0, ISSUANCE: 0, REDEMPTION: 0}
    for entry in entries:
        totals[entry.from_account] -= entry.amount
        totals[entry.to_account] += entry.amount
    assert account.points == totals["anna"] == account.earned - account.spent
    assert sum(totals.values()) == 0
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
