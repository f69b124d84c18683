"""Accounts and entries, and how a movement changes a balance; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from rocket_server.accounts import ISSUANCE, REDEMPTION
from rocket_server.errors import InsufficientPoints

EntryKind = Literal["award", "deduction", "reversal", "transfer"]


@dataclass(slots=True)
class Account:
    """A learner's account while its row is locked. `points` = `earned` - `spent`; it is below zero only where
    a reversal took back what had been spent."""

    learner_id: str
    points: int = 0
    earned: int = 0
    spent: int = 0
    entries: int = 0  # how many there are: the number of the last one


# Structs, not dataclasses: these are made for every event, and a frozen dataclass takes many times as long.
class Cause(msgspec.Struct, frozen=True):
    """Why points move, and who moved them."""

    actor: str
    occurred_at: datetime
    reason: str | None = None
    event_id: str | None = None
    rule_id: str | None = None
    rule_version: int | None = None
    metadata: dict[str, Any] | None = None


class Entry(msgspec.Struct, frozen=True):
    """One movement of points. `number` counts the learner's entries from one, without a gap."""

    entry_id: str
    learner_id: str
    number: int
    kind: EntryKind
    from_account: str
    to_account: str
    amount: int
    balance_after: int
    cause: Cause
    reverses: str | None = None


def award(account: Account, entry_id: str, amount: int, cause: Cause) -> Entry:
    """Give `amount` points (above zero) to the account."""
    account.earned += amount
    return _move(account, entry_id, "award", amount, +1, ISSUANCE, cause, None)


def deduct(account: Account, entry_id: str, amount: int, cause: Cause) -> Entry:
    """Spend `amount` points. Raises InsufficientPoints where the account holds fewer."""
    if amount > account.points:
        raise InsufficientPoints(
            f"The balance is {account.points} points, {amount} were to be spent.",
            {"balance": account.points, "requested": amount},
        )
    account.spent += amount
    return _move(account, entry_id, "deduction", amount, -1, REDEMPTION, cause, None)


def reverse(
    account: Account, entry_id: str, reversed_entry: str, kind: EntryKind, amount: int, cause: Cause
) -> Entry:
    """Undo an award or a deduction of `amount` points. Undoing an award may leave less than nothing."""
    if kind == "award":
        account.earned -= amount
        return _move(account, entry_id, "reversal", amount, -1, ISSUANCE, cause, reversed_entry)
    account.spent -= amount
    return _move(account, entry_id, "reversal", amount, +1, REDEMPTION, cause, reversed_entry)


def transfer(source: Account, target: Account, new_id: Callable[[], str], cause: Cause) -> list[Entry]:
    """Move all that was ever earned and spent from one account to another, which is the same person's.

    Each part goes back to where it came from and from there to the other account, so that both accounts and
    those of the organisation stay what their entries add up to. A debt follows too.
    """
    earned, spent = source.earned, source.spent
    entries: list[Entry] = []
    for account, sign in ((source, -1), (target, +1)):
        # In this order no account is below where it begins or ends.
        parts = [(ISSUANCE, earned, sign), (REDEMPTION, spent, -sign)]
        for counterpart, amount, direction in parts if sign > 0 else reversed(parts):
            if counterpart == ISSUANCE:
                account.earned += sign * amount
            else:
                account.spent += sign * amount
            if amount:
                entries.append(
                    _move(account, new_id(), "transfer", amount, direction, counterpart, cause, None)
                )
    return entries


def _move(
    account: Account,
    entry_id: str,
    kind: EntryKind,
    amount: int,
    sign: int,
    counterpart: str,
    cause: Cause,
    reverses: str | None,
) -> Entry:
    account.points += sign * amount
    account.entries += 1
    source, target = (counterpart, account.learner_id) if sign > 0 else (account.learner_id, counterpart)
    return Entry(
        entry_id,
        account.learner_id,
        account.entries,
        kind,
        source,
        target,
        amount,
        account.points,
        cause,
        reverses,
    )
