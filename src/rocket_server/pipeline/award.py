"""Decides what a group of events is worth: counts are read once for all, then each is decided in turn."""

from __future__ import annotations

from functools import partial
from typing import Any

from rocket_server.configuration.snapshot import Configuration
from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent
from rocket_server.ids import uuid7
from rocket_server.learners import store as learners
from rocket_server.ledger import model as ledger
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Account, Cause, Entry
from rocket_server.ledger.store import StoredEntry
from rocket_server.organisations.model import Rank
from rocket_server.pace import Pace
from rocket_server.pipeline import completions
from rocket_server.pipeline.completions import BadgeAward
from rocket_server.pipeline.model import BUDGET_S, DECIDED_ANEW, Gift, Item, points_of
from rocket_server.ranks import streaks as ranks
from rocket_server.rules import store as rules_store
from rocket_server.rules.compile import Case
from rocket_server.rules.evaluate import Decision, Probe
from rocket_server.rules.judge import Considered, judge, uses_rank
from rocket_server.rules.store import Mark
from rocket_server.rules.tally import Tally
from rocket_server.sources.withdrawals import Statement, is_module

ACTOR = "rules"
# Why an award was taken back by a later event: about a module, and about anything else.
COMPLETION_WITHDRAWN = "completion withdrawn"
WITHDRAWN = "withdrawn"


class Awarding:
    """One group's awards and reversals: what is known of its learners, and what is to be written."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._rules = configuration.rules
        self._tally = Tally()
        self._withdrawals = False  # whether an award of this group may be taken back by it
        self._reversible: dict[str, StoredEntry] = {}
        self._marks_of: dict[str, list[Mark]] = {}
        self._marks: list[Mark] = []  # of new awards
        self._removed: list[str] = []  # awards
        self._entries: list[Entry] = []
        self._accounts: dict[str, Account] = {}
        self._ranks: dict[str, Rank] = {}  # of learners about whom a rule asks that multiplies by it

    async def decide(self, conn: Any, items: list[Item]) -> None:
        """Decide all items in order and write entries, balances, marks and completions."""
        organisation_id = self._configuration.organisation_id
        learner_ids = {
            item.learner.learner_id
            for item in items
            if item.learner and item.status == "processed" and item.learner.status != "anonymised"
        }
        learner_ids.update(item.stored.learner_id for item in items if item.stored and item.stored.learner_id)
        self._accounts = await ledger_store.lock(conn, organisation_id, learner_ids)

        for item in items:
            item.statement = self._configuration.withdrawals.stated(item.event)
        stating = self._stating(items)
        states = await completions.read(conn, organisation_id, stating.keys())
        withdrawn = {
            key: one.sought
            for key, one in stating.items()
            if one.state == "reopened" and one.sought is not None
        }
        again = {item.event_id for item in items if item.afresh}
        await completions.from_past(conn, organisation_id, withdrawn, states, again)
        await self._read_reversible(conn, items, states)
        pace = Pace(BUDGET_S)
        considered = {item.event_id: await self._considered(item.event, pace) for item in items}
        await self._read_counts(conn, items, considered)
        await self._read_ranks(conn, items, considered)

        for item in items:
            self._take_back_earlier_decisions(item)
        for item in items:
            self._decide_one(item, considered[item.event_id], states)
            if pace.is_due():
                await pace.rest()

        touched = {entry.learner_id for entry in self._entries}
        await ledger_store.write(
            conn, organisation_id, self._entries, [self._accounts[learner_id] for learner_id in touched]
        )
        await rules_store.remove_marks(conn, organisation_id, self._removed)
        await rules_store.add_marks(conn, organisation_id, self._marks)
        await states.write(conn, organisation_id)

    def _stating(self, items: list[Item]) -> dict[completions.Key, Statement]:
        """What items state; of several statements about one thing a withdrawal, if there is one."""
        found: dict[completions.Key, Statement] = {}
        for item in items:
            if item.learner and item.status == "processed" and item.statement is not None:
                key = (item.learner.learner_id, item.event.source, item.statement.subject)
                if key not in found or item.statement.state == "reopened":
                    found[key] = item.statement
        return found

    async def _considered(self, event: Event, pace: Pace) -> list[Considered]:
        light = self._rules.light(event.event)
        if light is not None:
            if pace.is_due():
                await pace.rest()
            return [(rule, rule.consider(event)) for rule in light]
        considered: list[Considered] = []
        for one in self._rules.consider(event):
            if one is not None:
                considered.append(one)
            if pace.is_due():
                await pace.rest()
        return considered

    async def _read_reversible(self, conn: Any, items: list[Item], states: completions.Completions) -> None:
        """Entries that may be taken back, and what they count against."""
        organisation_id = self._configuration.organisation_id
        self._withdrawals = any(
            item.statement is not None and item.statement.state == "reopened" for item in items
        )
        entry_ids = set(states.entry_ids()) if self._withdrawals else set()
        for item in items:
            if item.stored:
                entry_ids.update(_live_entry_ids(item.stored.decisions))
        self._reversible = await ledger_store.find_entries(conn, organisation_id, entry_ids)
        awards = [entry.entry_id for entry in self._reversible.values() if entry.rule_id]
        if self._withdrawals:
            awards += [one.award_id for one in states.badge_awards()]
        awards += [award for item in items if item.stored for award in _awards_without_points(item.stored)]
        for mark in await rules_store.find_marks(conn, organisation_id, awards):
            self._marks_of.setdefault(mark.award_id, []).append(mark)

    async def _read_counts(
        self, conn: Any, items: list[Item], considered: dict[str, list[Considered]]
    ) -> None:
        wanted: dict[tuple[str, str, Probe], None] = {}
        for item in items:
            if item.status == "processed" and item.learner and item.learner.status == "active":
                for rule, case in considered[item.event_id]:
                    if isinstance(case, Case):
                        for probe in case.probes():
                            wanted[(item.learner.learner_id, rule.rule_id, probe)] = None
        for counted in await rules_store.count(conn, self._configuration.organisation_id, list(wanted)):
            self._tally.store(*counted)

    async def _read_ranks(
        self, conn: Any, items: list[Item], considered: dict[str, list[Considered]]
    ) -> None:
        """The ranks that learners were last seen to have; no statement where no rule asks."""
        learner_ids = {
            item.learner.learner_id
            for item in items
            if item.status == "processed" and item.learner and uses_rank(considered[item.event_id])
        }
        if learner_ids:
            organisation = self._configuration.organisation
            weeks = await learners.streaks(conn, organisation.organisation_id, learner_ids)
            self._ranks = {
                learner_id: ranks.rank_of(weeks.get(learner_id, 0), organisation.ranks)
                for learner_id in learner_ids
            }

    def _decide_one(self, item: Item, considered: list[Considered], states: completions.Completions) -> None:
        event, learner = item.event, item.learner
        decided: list[Decision]
        if event.filtered:
            decided = [
                Decision.without_points(rule, "filtered", {"reason": event.ignored}) for rule, _ in considered
            ]
        elif item.status != "processed" or learner is None:
            decided = []
        elif learner.status != "active":
            decided = [Decision.without_points(rule, "suspended") for rule, _ in considered]
        else:
            decided = self._award(item, learner.learner_id, considered, states)
        for decision in decided:
            if event.notes:
                decision.detail["notes"] = list(event.notes)
            item.decisions.append(decision.as_dict())
            item.points += decision.points
        if learner is not None:
            item.earned = (
                self._accounts[learner.learner_id].earned if learner.learner_id in self._accounts else 0
            )

    def _award(
        self,
        item: Item,
        learner_id: str,
        considered: list[Considered],
        states: completions.Completions,
    ) -> list[Decision]:
        event, statement = item.event, item.statement
        decided: list[Decision] = []
        key = completions.key_of(statement, event.source, learner_id)
        since = until = None
        if statement is not None and is_module(statement):
            # What a module's completion earned stays when its course begins anew.
            since, until = self._rules.resets.run(event.source, event.properties, event.occurred_at)
        if (
            key is not None
            and (known := states.stated(key))
            and until is not None
            and known.occurred_at >= until
        ):
            if statement is not None and statement.state == "reopened":
                return []
            key = None  # of an earlier run, about which nobody asks any more
        if statement is not None and key is not None:
            later = states.superseded_by(key, event)
            item.superseded = later is not None and is_module(statement)
            if later is not None and later.state == "reopened":
                detail = {"reason": "withdrawn_later", "by_event": later.event_id}
                return [Decision.without_points(rule, "condition_not_met", detail) for rule, _ in considered]
            if later is None:
                state = states.state(key, event, item.event_id, statement.state, since)
                if statement.state == "reopened":
                    reason = COMPLETION_WITHDRAWN if is_module(statement) else WITHDRAWN
                    for entry_id in state.entry_ids:
                        decided.extend(self._take_back(item, entry_id, event.occurred_at, reason))
                    for award in state.badge_awards:
                        item.withdrawn.append(award.event_id)
                        decided.extend(self._take_badge_back(award, state.entry_ids, reason))
                    state.entry_ids, state.badge_awards = [], []
            elif statement.state == "reopened":
                return []

        for decision in judge(
            considered, partial(self._tally.reader, learner_id), self._ranks.get(learner_id)
        ):
            if decision.outcome == "awarded":
                made = self._post(item, learner_id, decision)
                if key is not None and made is not None:
                    states.earned(key, made)
                if key is not None and _is_withdrawn_by_award(decision):
                    award = BadgeAward(
                        item.event_id, decision.detail["award_id"], decision.rule_id, decision.rule_version
                    )
                    states.gave_badge(key, award)
            decided.append(decision)
        return decided

    def _post(self, item: Item, learner_id: str, decision: Decision) -> str | None:
        """Turn an award into an entry and into marks; the entry's id, if there are points."""
        event = item.event
        award_id = uuid7()
        self._tally.add(learner_id, decision.rule_id, decision.marks, event.occurred_at, decision.points)
        for mark in decision.marks:
            self._marks.append(
                Mark(learner_id, decision.rule_id, mark, event.occurred_at, award_id, decision.points)
            )
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
        self._entries.append(ledger.award(self._accounts[learner_id], award_id, decision.points, cause))
        if self._withdrawals:
            self._reversible[award_id] = StoredEntry(
                award_id, learner_id, "award", decision.points, decision.rule_id, decision.rule_version, False
            )
        return award_id

    def _take_back_earlier_decisions(self, item: Item) -> None:
        """Reverse what a stored event had earned, before it is decided anew. Its reversals stay on record;
        the points of those that it caused itself are still its own."""
        if item.stored is None:
            return
        for kept in item.stored.decisions:
            if kept["outcome"] == "reversed":
                if item.afresh:
                    kept = kept | {"detail": kept["detail"] | {"reason": DECIDED_ANEW}}
                item.decisions.append(kept)
                item.points += points_of(kept)
        for award_id in _awards_without_points(item.stored):
            self._free(award_id)
        for entry_id in _live_entry_ids(item.stored.decisions):
            for decision in self._take_back(item, entry_id, item.event.occurred_at, DECIDED_ANEW):
                item.decisions.append(decision.as_dict())

    def _take_back(self, item: Item, entry_id: str, occurred_at: Any, reason: str) -> list[Decision]:
        """Reverse one award, unless that was done before."""
        entry = self._reversible.get(entry_id)
        if entry is None or entry.reversed or entry.rule_id is None or entry.rule_version is None:
            return []
        reversal_id = uuid7()
        cause = Cause(ACTOR, occurred_at, reason, item.event_id, entry.rule_id, entry.rule_version)
        self._entries.append(
            ledger.reverse(
                self._accounts[entry.learner_id], reversal_id, entry_id, "award", entry.amount, cause
            )
        )
        del self._reversible[entry_id]
        self._free(entry_id)
        detail = {"entry_id": reversal_id, "reverses": entry_id, "reason": reason}
        return [Decision(entry.rule_id, entry.rule_version, "reversed", -entry.amount, None, detail, ())]

    def _take_badge_back(self, award: BadgeAward, entry_ids: list[str], reason: str) -> list[Decision]:
        """Free what an award of a badge alone counted against; one with points is undone with its entry."""
        if award.award_id in entry_ids:
            return []
        self._free(award.award_id)
        detail = {"reverses": award.award_id, "by_event": award.event_id, "reason": reason}
        return [Decision(award.rule_id, award.rule_version, "reversed", 0, None, detail, ())]

    def _free(self, award_id: str) -> None:
        """Count an award no more."""
        stored = self._marks_of.get(award_id)
        marks = [mark for mark in self._marks if mark.award_id == award_id] if stored is None else stored
        for mark in marks:
            self._tally.remove(mark.learner_id, mark.rule_id, (mark.mark,), mark.occurred_at, mark.points)
        if stored is None:
            self._marks = [mark for mark in self._marks if mark.award_id != award_id]
        elif stored:
            self._removed.append(award_id)


def _awards_without_points(stored: StoredEvent) -> list[str]:
    """What a stored event was given that is no points: badges, what was multiplied. Awards with points are
    found by their entries."""
    return [
        decision["detail"]["award_id"]
        for decision in stored.decisions
        if decision["outcome"] == "awarded"
        and "award_id" in decision["detail"]
        and "entry_id" not in decision["detail"]
    ]


def _is_withdrawn_by_award(decision: Decision) -> bool:
    """Whether a withdrawal has to know an award by its id: it gave a badge, or counts without any points.
    A multiplier that was used stays used."""
    if decision.badge is not None:
        return True
    return "award_id" in decision.detail and "multiplies" not in decision.detail


def _live_entry_ids(decisions: list[dict[str, Any]]) -> list[str]:
    """Entries that decisions made and that no later decision of the same event took back."""
    taken_back = {decision["detail"].get("reverses") for decision in decisions}
    return [
        entry_id
        for decision in decisions
        if decision["outcome"] == "awarded"
        if (entry_id := decision["detail"].get("entry_id")) and entry_id not in taken_back
    ]
