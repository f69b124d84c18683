"""Decides what a group of events is worth: counts are read once for all, then each is decided in turn."""

from __future__ import annotations

from functools import partial
from typing import Any

from rocket_server.configuration.snapshot import Configuration
from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent
from rocket_server.learners import store as learners
from rocket_server.ledger import store as ledger_store
from rocket_server.organisations.settings import Rank
from rocket_server.pace import Pace
from rocket_server.pipeline import again, bests, completions
from rocket_server.pipeline.books import Books
from rocket_server.pipeline.completions import BadgeAward
from rocket_server.pipeline.model import BUDGET_S, DECIDED_ANEW, Item, points_of
from rocket_server.ranks import streaks as ranks
from rocket_server.rules import store as rules_store
from rocket_server.rules.compile import Case
from rocket_server.rules.evaluate import Decision, Probe
from rocket_server.rules.judge import Considered, judge, uses_rank
from rocket_server.sources.withdrawals import Statement, is_module

# Why an award was taken back by a later event: about a module, and about anything else.
COMPLETION_WITHDRAWN = "completion withdrawn"
WITHDRAWN = "withdrawn"


class Awarding:
    """One group's awards and reversals: what is known of its learners, and what is to be written."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._rules = configuration.rules
        self._books = Books({})
        self._ranks: dict[str, Rank] = {}  # of learners about whom a rule asks that multiplies by it
        self._attempts = bests.Attempts()

    async def decide(
        self, conn: Any, items: list[Item], *, restores: bool = True, unless_same: bool = False
    ) -> list[Item]:
        """Decide all items in order and write entries, balances, marks and completions.

        Answers stored events about which a rule for the best of several decided again, because one of them
        was taken back; with `restores` False none. With `unless_same`, raises SameAgain where stored events
        are worth what they were worth before; nothing is written then.
        """
        organisation_id = self._configuration.organisation_id
        learner_ids = {
            item.learner.learner_id
            for item in items
            if item.learner and item.status == "processed" and item.learner.status != "anonymised"
        }
        learner_ids.update(item.stored.learner_id for item in items if item.stored and item.stored.learner_id)
        self._books = Books(await ledger_store.lock(conn, organisation_id, learner_ids))

        for item in items:
            item.statement = self._configuration.withdrawals.stated(item.event)
        stating = self._stating(items)
        states = await completions.read(conn, organisation_id, stating.keys())
        withdrawn = {
            key: one.sought
            for key, one in stating.items()
            if one.state == "reopened" and one.sought is not None
        }
        afresh = {item.event_id for item in items if item.afresh}
        await completions.from_past(conn, organisation_id, withdrawn, states, afresh)
        await self._read_reversible(conn, items, states, restores)
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
        if unless_same and (same := await again.same(conn, organisation_id, items, self._books)):
            raise again.SameAgain(same)
        self._attempts.restore(self._books, states)

        await self._books.write(conn, organisation_id)
        states.forget(self._books.gone)
        await states.write(conn, organisation_id)
        return self._attempts.again

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

    async def _read_reversible(
        self, conn: Any, items: list[Item], states: completions.Completions, restores: bool
    ) -> None:
        """Entries that may be taken back, and what they count against."""
        organisation_id = self._configuration.organisation_id
        withdraws = any(item.statement is not None and item.statement.state == "reopened" for item in items)
        self._books.keeps = withdraws or any(item.stored for item in items)
        entry_ids = set(states.entry_ids()) if withdraws else set()
        badge_awards = states.badge_awards() if withdraws else []
        for item in items:
            if item.stored:
                entry_ids.update(_live_entry_ids(item.stored.decisions))
        without_points = [one.award_id for one in badge_awards]
        without_points += [
            award for item in items if item.stored for award in _awards_without_points(item.stored)
        ]
        if self._books.keeps and restores:
            losing = {one.event_id for one in badge_awards}
            losing.update(item.event_id for item in items if item.stored)
            self._attempts = await bests.read(conn, self._configuration, losing, entry_ids, items)
            attempts = self._attempts.all()
            entry_ids.update(award_id for one in attempts for award_id in one.awards())
            without_points += [
                award for one in attempts if one.stored for award in _awards_without_points(one.stored)
            ]
            await states.read_more(
                conn, organisation_id, {key for one in attempts if (key := one.key) is not None}
            )
        await self._books.read(conn, organisation_id, entry_ids, without_points)

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
        for one in self._attempts.all():
            for probe in one.case.probes():
                wanted[(one.learner.learner_id, one.case.rule.rule_id, probe)] = None
        for counted in await rules_store.count(conn, self._configuration.organisation_id, list(wanted)):
            self._books.tally.store(*counted)

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
                learner_id: ranks.rank_of(weeks.get(learner_id, 0), organisation.settings.ranks)
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
            account = self._books.accounts.get(learner.learner_id)
            item.earned = account.earned if account is not None else 0

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
            if statement.state == "reopened":
                self._attempts.withdraw(key, event, item.event_id)
            later = states.superseded_by(key, event)
            item.superseded = later is not None and is_module(statement)
            if later is not None and later.state == "reopened":
                detail = {"reason": "withdrawn_later", "by_event": later.event_id}
                return [Decision.without_points(rule, "condition_not_met", detail) for rule, _ in considered]
            if later is None:
                state = states.state(key, event, item.event_id, statement.state, since)
                if statement.state == "reopened":
                    freed_before = len(self._books.freed)
                    reason = COMPLETION_WITHDRAWN if is_module(statement) else WITHDRAWN
                    for entry_id in state.entry_ids:
                        decided.extend(self._books.take_back(item, entry_id, event.occurred_at, reason))
                    for award in state.badge_awards:
                        item.withdrawn.append(award.event_id)
                        decided.extend(self._take_badge_back(award, state.entry_ids, reason))
                    state.entry_ids, state.badge_awards = [], []
                    self._attempts.restore(self._books, states, freed_before)
            elif statement.state == "reopened":
                return []

        for decision in judge(
            considered, partial(self._books.tally.reader, learner_id), self._ranks.get(learner_id)
        ):
            if decision.outcome == "awarded":
                made = self._books.post(item, learner_id, decision)
                if key is not None:
                    states.gave(key, item.event_id, decision, made)
            decided.append(decision)
        if self._books.keeps:
            self._attempts.note_item(item, considered, decided)
        return decided

    def _take_back_earlier_decisions(self, item: Item) -> None:
        """Reverse what a stored event had earned, before it is decided anew. Its reversals stay on record;
        the points of those that it caused itself are still its own."""
        if item.stored is None:
            return
        for kept in again.still_told(item.stored.decisions):
            if kept["outcome"] == "reversed":
                if item.afresh:
                    kept = kept | {"detail": kept["detail"] | {"reason": DECIDED_ANEW}}
                item.decisions.append(kept)
                item.points += points_of(kept)
        for award_id in _awards_without_points(item.stored):
            self._books.free(award_id)
        for entry_id in _live_entry_ids(item.stored.decisions):
            for decision in self._books.take_back(item, entry_id, item.event.occurred_at, DECIDED_ANEW):
                item.decisions.append(decision.as_dict())

    def _take_badge_back(self, award: BadgeAward, entry_ids: list[str], reason: str) -> list[Decision]:
        """Free what an award of a badge alone counted against; one with points is undone with its entry."""
        if award.award_id in entry_ids:
            return []
        self._books.free(award.award_id)
        detail = {"reverses": award.award_id, "by_event": award.event_id, "reason": reason}
        return [Decision(award.rule_id, award.rule_version, "reversed", 0, None, detail, ())]


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


def _live_entry_ids(decisions: list[dict[str, Any]]) -> list[str]:
    """Entries that decisions made and that no later decision of the same event took back."""
    taken_back = {decision["detail"].get("reverses") for decision in decisions}
    return [
        entry_id
        for decision in decisions
        if decision["outcome"] == "awarded"
        if (entry_id := decision["detail"].get("entry_id")) and entry_id not in taken_back
    ]
