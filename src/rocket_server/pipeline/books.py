"""One group's books: accounts, new entries, and what awards count against; written once at the end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from rocket_server.ids import uuid7
from rocket_server.ledger import model as ledger
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Account, Cause, Entry
from rocket_server.ledger.store import StoredEntry
from rocket_server.pipeline.model import Gift, Item
from rocket_server.rules import store as rules_store
from rocket_server.rules.evaluate import Decision
from rocket_server.rules.store import Mark
from rocket_server.rules.tally import Tally

ACTOR = "rules"

Freed = tuple[str, str, str, datetime]  # learner, rule, mark, when the award's event occurred


class Books:
    """What is known of a group's learners, whose accounts are locked, and what is to be written."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.accounts = accounts
        self.tally = Tally()
        self.keeps = False  # whether an award of this group may be taken back by it
        self.reversible: dict[str, StoredEntry] = {}
        self.freed: list[Freed] = []  # what awards that were taken back had counted against
        self._gone: set[str] = set()
        self._marks_of: dict[str, list[Mark]] = {}  # of stored awards
        self._marks: dict[str, list[Mark]] = {}  # of new awards
        self._removed: list[str] = []  # awards
        self._entries: list[Entry] = []

    async def read(
        self,
        conn: Any,
        organisation_id: str,
        entry_ids: Collection[str],
        without_points: Collection[str],
    ) -> None:
        """Entries that may be taken back, and what they and awards without points count against."""
        self.reversible = await ledger_store.find_entries(conn, organisation_id, entry_ids)
        awards = [entry.entry_id for entry in self.reversible.values() if entry.rule_id]
        for mark in await rules_store.find_marks(conn, organisation_id, [*awards, *without_points]):
            self._marks_of.setdefault(mark.award_id, []).append(mark)

    def post(self, item: Item, learner_id: str, decision: Decision) -> str | None:
        """Turn an award into an entry and into marks; the entry's id, if there are points."""
        event = item.event
        award_id = uuid7()
        self.tally.add(learner_id, decision.rule_id, decision.marks, event.occurred_at, decision.points)
        if decision.marks:
            self._marks[award_id] = [
                Mark(learner_id, decision.rule_id, mark, event.occurred_at, award_id, decision.points)
                for mark in decision.marks
            ]
        if decision.badge is not None:
            decision.detail["badge"], decision.detail["award_id"] = decision.badge, award_id
            item.gifts.append(
                Gift(decision.badge, award_id, decision.rule_id, decision.rule_version, decision.detail)
            )
        if decision.points <= 0:
            if decision.marks:
                # Without an entry, this is how the marks are found again.
                decision.detail["award_id"] = award_id
            return None
        decision.detail["entry_id"] = award_id
        cause = Cause(ACTOR, event.occurred_at, None, item.event_id, decision.rule_id, decision.rule_version)
        self._entries.append(ledger.award(self.accounts[learner_id], award_id, decision.points, cause))
        if self.keeps:
            self.reversible[award_id] = StoredEntry(
                award_id, learner_id, "award", decision.points, decision.rule_id, decision.rule_version, False
            )
        return award_id

    def take_back(self, item: Item, entry_id: str, occurred_at: datetime, reason: str) -> list[Decision]:
        """Reverse one award, unless that was done before."""
        entry = self.reversible.get(entry_id)
        if entry is None or entry.reversed or entry.rule_id is None or entry.rule_version is None:
            return []
        reversal_id = uuid7()
        cause = Cause(ACTOR, occurred_at, reason, item.event_id, entry.rule_id, entry.rule_version)
        self._entries.append(
            ledger.reverse(
                self.accounts[entry.learner_id], reversal_id, entry_id, "award", entry.amount, cause
            )
        )
        del self.reversible[entry_id]
        self.free(entry_id)
        detail = {"entry_id": reversal_id, "reverses": entry_id, "reason": reason}
        return [Decision(entry.rule_id, entry.rule_version, "reversed", -entry.amount, None, detail, ())]

    def free(self, award_id: str) -> None:
        """Count an award no more."""
        self._gone.add(award_id)
        marks = self.marks(award_id)
        for mark in marks:
            self.freed.append((mark.learner_id, mark.rule_id, mark.mark, mark.occurred_at))
            self.tally.remove(mark.learner_id, mark.rule_id, (mark.mark,), mark.occurred_at, mark.points)
        if award_id not in self._marks_of:
            self._marks.pop(award_id, None)
        elif marks:
            self._removed.append(award_id)

    def marks(self, award_id: str) -> list[Mark]:
        """What an award counts against."""
        stored = self._marks_of.get(award_id)
        return self._marks.get(award_id, []) if stored is None else stored

    @property
    def gone(self) -> frozenset[str]:
        """Awards that were taken back."""
        return frozenset(self._gone)

    def stands(self, award_id: str) -> bool:
        """Whether an award wasn't taken back, of those that were read or made."""
        entry = self.reversible.get(award_id)
        known = not entry.reversed if entry is not None else bool(self.marks(award_id))
        return known and award_id not in self._gone

    async def write(self, conn: Any, organisation_id: str) -> None:
        touched = {entry.learner_id for entry in self._entries}
        await ledger_store.write(
            conn, organisation_id, self._entries, [self.accounts[learner_id] for learner_id in touched]
        )
        await rules_store.remove_marks(conn, organisation_id, self._removed)
        marks = [mark for marks in self._marks.values() for mark in marks]
        await rules_store.add_marks(conn, organisation_id, marks)
