"""Reads, locks and writes accounts and entries. Entries are only ever added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from rocket_server.db.pages import bounded
from rocket_server.db.pool import TryAgain, add_rows
from rocket_server.db.queries import load
from rocket_server.ledger.model import Account, Entry, EntryKind

SQL = load(__file__, "store.sql")


class StoredEntry(msgspec.Struct, frozen=True):
    """What a reversal needs to know of an entry."""

    entry_id: str
    learner_id: str
    kind: EntryKind
    amount: int
    rule_id: str | None
    rule_version: int | None
    reversed: bool


_COLUMNS = (
    "organisation_id",
    "entry_id",
    "learner_id",
    "number",
    "kind",
    "from_account",
    "to_account",
    "amount",
    "balance_after",
    "reverses",
    "actor",
    "occurred_at",
    "reason",
    "event_id",
    "rule_id",
    "rule_version",
    "metadata",
)


async def lock(
    conn: Any, organisation_id: str, learner_ids: Collection[str], *, anonymised: bool = False
) -> dict[str, Account]:
    """The accounts of learners, locked until the transaction ends, always in the order of their ids.

    Raises TryAgain where one was merged into another since the caller found it: found anew, it is the other.
    So it does where nobody is known behind one any more, unless `anonymised` says that this is no matter.
    """
    if not learner_ids:
        return {}
    rows = await conn.fetch(SQL["lock"], organisation_id, list(learner_ids))
    if any(row[5] or (row[6] and not anonymised) for row in rows):
        raise TryAgain("a learner was merged into another, or anonymised, meanwhile")
    return {row[0]: Account(row[0], row[1], row[2], row[3], row[4]) for row in rows}


async def write(
    conn: Any, organisation_id: str, entries: Sequence[Entry], accounts: Iterable[Account]
) -> None:
    """Add `entries` and set the balances of the locked `accounts` that they changed.

    What a person wrote about an entry that no rule made stands apart, where it can be forgotten.
    """
    if not entries:
        return
    await add_rows(
        conn,
        "entries",
        _COLUMNS,
        [
            (
                organisation_id,
                entry.entry_id,
                entry.learner_id,
                entry.number,
                entry.kind,
                entry.from_account,
                entry.to_account,
                entry.amount,
                entry.balance_after,
                entry.reverses,
                (cause := entry.cause).actor,
                cause.occurred_at,
                None if cause.rule_id is None else cause.reason,
                cause.event_id,
                cause.rule_id,
                cause.rule_version,
                None if cause.rule_id is None else cause.metadata,
            )
            for entry in entries
        ],
    )
    await add_rows(
        conn,
        "entry_notes",
        ("organisation_id", "entry_id", "learner_id", "reason", "metadata"),
        [
            (organisation_id, entry.entry_id, entry.learner_id, cause.reason, cause.metadata)
            for entry in entries
            if (cause := entry.cause).rule_id is None
            if cause.reason is not None or cause.metadata is not None
        ],
    )
    changed = list(accounts)
    await conn.execute(
        SQL["write_accounts"],
        organisation_id,
        [account.learner_id for account in changed],
        [account.points for account in changed],
        [account.earned for account in changed],
        [account.spent for account in changed],
        [account.entries for account in changed],
    )


async def find_entries(conn: Any, organisation_id: str, entry_ids: Collection[str]) -> dict[str, StoredEntry]:
    """Entries by id; one that doesn't exist isn't in the answer. Its learner is the one after all merges."""
    if not entry_ids:
        return {}
    rows = await conn.fetch(SQL["find_entries"], organisation_id, list(entry_ids))
    return {row["entry_id"]: StoredEntry(*row.values()) for row in rows}


async def read_account(conn: Any, organisation_id: str, learner_id: str) -> Account:
    """A learner's account as it stands, not locked."""
    row = await conn.fetchrow(SQL["read"], organisation_id, learner_id)
    return Account(learner_id, *row) if row else Account(learner_id)


async def balances(conn: Any, organisation_id: str, learner_ids: Sequence[str]) -> dict[str, int]:
    """The points of learners, by their ids."""
    rows = await conn.fetch(SQL["balances"], organisation_id, list(learner_ids))
    return {row[0]: row[1] for row in rows}


async def mark_merged(conn: Any, organisation_id: str, from_learner_id: str, into_learner_id: str) -> None:
    """Say of a locked, empty account, and of all that were merged into it, which account stands for it."""
    await conn.execute(SQL["mark_merged"], organisation_id, from_learner_id, into_learner_id)


async def forget(conn: Any, organisation_id: str, learner_id: str, learner_ids: Sequence[str]) -> None:
    """Leave only the sums of a learner, whose account is locked: what was written about their entries and
    those of who was merged into them (`learner_ids`) is removed."""
    await conn.execute(SQL["mark_anonymised"], organisation_id, learner_id)
    await conn.execute(SQL["forget_notes"], organisation_id, learner_ids)


async def has_merged(conn: Any, organisation_id: str, learner_id: str) -> bool:
    """Whether somebody was merged into this learner."""
    return bool(await conn.fetchval(SQL["has_merged"], organisation_id, learner_id))


async def history(
    conn: Any, organisation_id: str, learner_id: str, before_number: int, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """A learner's entries below a number, the latest first, and whether more may follow; `points` is below
    zero where some were taken."""

    async def fetch(last: dict[str, Any] | None, piece: int) -> list[dict[str, Any]]:
        below = before_number if last is None else last["number"]
        rows = await conn.fetch(SQL["history"], organisation_id, learner_id, below, piece)
        return [_shown(row) for row in rows]

    return await bounded(fetch, _size, limit)


async def joint_history(
    conn: Any, organisation_id: str, learner_id: str, before: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """As `history`, for a learner whom others were merged into: all their entries by time, below an entry."""

    async def fetch(last: dict[str, Any] | None, piece: int) -> list[dict[str, Any]]:
        below = before if last is None else last["entry_id"]
        rows = await conn.fetch(SQL["joint_history"], organisation_id, learner_id, below, piece)
        return [_shown(row) for row in rows]

    return await bounded(fetch, _size, limit)


def _size(entry: dict[str, Any]) -> int:
    return len(msgspec.json.encode((entry["reason"], entry["metadata"]))) + 500


def _shown(row: Any) -> dict[str, Any]:
    return {
        "entry_id": row["entry_id"],
        "number": row["number"],
        "kind": row["kind"],
        "points": row["amount"] if row["incoming"] else -row["amount"],
        "balance_after": row["balance_after"],
        "reason": row["reason"],
        "event_id": row["event_id"],
        "rule_id": row["rule_id"],
        "rule_version": row["rule_version"],
        "reverses": row["reverses"],
        "actor": row["actor"],
        "metadata": row["metadata"],
        "occurred_at": row["occurred_at"],
        "created_at": row["created_at"],
    }
