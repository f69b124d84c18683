"""The best of several: where one of them is taken back, what the best of the rest gives is made whole.

Each of several events gave only what it was worth more than those before it, or nothing. So when one goes,
the rule that gives for the best decides again about the best of those that are left, and no other rule does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.queries import load
from rocket_server.events import store as events_store
from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent, as_event, row_as_event
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner
from rocket_server.pipeline import completions
from rocket_server.pipeline.books import Books
from rocket_server.pipeline.completions import Completions
from rocket_server.pipeline.model import DECIDED_ANEW, Item, points_of
from rocket_server.rules import store as rules_store
from rocket_server.rules.boost import Boost, Factor
from rocket_server.rules.compile import Case
from rocket_server.rules.evaluate import NOTHING, Count, Decision, Probe, ReadCount
from rocket_server.rules.judge import Considered
from rocket_server.rules.resets import NO_RESETS, Resets
from rocket_server.rules.store import Mark
from rocket_server.sources.stored import as_read
from rocket_server.sources.withdrawals import Statement, is_module

SQL = load(__file__, "bests.sql")

MAX_ATTEMPTS: Final = 200  # of one thing; the latest are looked at
# A rule's outcomes about an event that met its conditions.
_ATTEMPTED: Final = frozenset({"awarded", "already_awarded", "cap_reached", "cooldown"})


@dataclass(slots=True, eq=False)
class Attempt:
    """An event that a rule for the best of several has judged. `item` is set where it is on its way."""

    event_id: str
    event: Event
    learner: Learner
    case: Case
    probe: Probe
    statement: Statement | None
    stored: StoredEvent | None = None
    item: Item | None = None
    withdrawn: bool = False

    @property
    def decisions(self) -> list[dict[str, Any]]:
        if self.item is not None:
            return self.item.decisions
        return [] if self.stored is None else self.stored.decisions

    @property
    def key(self) -> completions.Key | None:
        """What the event states something about."""
        return completions.key_of(self.statement, self.event.source, self.learner.learner_id)

    def awards(self) -> list[str]:
        """What the rule gave for the event and didn't take back when it decided anew."""
        rule_id = self.case.rule.rule_id
        return [
            award_id
            for decision in self.decisions
            if decision["rule_id"] == rule_id and decision["outcome"] == "awarded"
            if (award_id := decision["detail"].get("entry_id") or decision["detail"].get("award_id"))
        ]

    def boost(self) -> Boost | None:
        """What multiplied the event's points."""
        factors = [
            Factor(decision["rule_id"], decision["rule_version"], multiplies["factor"])
            for decision in self.decisions
            if decision["outcome"] == "awarded" and (multiplies := decision["detail"].get("multiplies"))
        ]
        return Boost(factors) if factors else None

    def worth(self) -> int:
        return self.case.worth(self.boost())


class Attempts:
    """The attempts beside those of which an award may be taken back, by learner and rule."""

    def __init__(self, resets: Resets = NO_RESETS) -> None:
        self.again: list[Item] = []  # stored events about which a rule decided again
        self._resets = resets
        self._found: dict[tuple[str, str], dict[str, Attempt]] = {}

    def note(self, attempt: Attempt) -> None:
        """Take an attempt in, in the place of what was known of the event."""
        key = (attempt.learner.learner_id, attempt.case.rule.rule_id)
        self._found.setdefault(key, {})[attempt.event_id] = attempt

    def all(self) -> list[Attempt]:
        return [attempt for found in self._found.values() for attempt in found.values()]

    def withdraw(self, key: completions.Key, event: Event, event_id: str) -> None:
        """Count no more what had said that something stands, before `event` said that it doesn't."""
        for attempt in self.all():
            if attempt.key == key and self._ends(event, event_id, attempt):
                attempt.withdrawn = True

    def note_item(self, item: Item, considered: Sequence[Considered], decided: Sequence[Decision]) -> None:
        """Take in what rules have now decided about an event."""
        outcomes = {one.rule_id: one.outcome for one in decided if one.outcome in _ATTEMPTED}
        for rule, case in considered:
            if rule.is_best and isinstance(case, Case) and rule.rule_id in outcomes and item.learner:
                probe = case.best()
                if probe is not None:
                    attempt = Attempt(item.event_id, item.event, item.learner, case, probe, item.statement)
                    attempt.item = item
                    self.note(attempt)

    def restore(self, books: Books, states: Completions, since: int = 0) -> None:
        """Where awards were freed, from the number `since` on, give what the best that is left is worth. One
        that other limits refuse gives way to the next best."""
        freed = dict.fromkeys(books.freed[since:])
        for learner_id, rule_id, mark, at in freed:
            read = books.tally.reader(learner_id, rule_id)
            for attempt in self._best_first(learner_id, rule_id, mark, at):
                found = read(attempt.probe)
                if found.awards and attempt.worth() <= found.points:
                    break
                if self._give_again(attempt, read, books, states):
                    break
        del books.freed[since:]

    def _best_first(self, learner_id: str, rule_id: str, mark: str, at: datetime) -> list[Attempt]:
        """Those that are compared under a mark with what occurred at a time."""
        found = [
            one
            for one in self._found.get((learner_id, rule_id), {}).values()
            if one.probe.mark == mark
            and (one.probe.since is None or one.probe.since <= at)
            and (one.probe.until is None or at < one.probe.until)
        ]
        return sorted(found, key=lambda one: (-one.worth(), one.event_id))

    def _give_again(self, attempt: Attempt, read: ReadCount, books: Books, states: Completions) -> bool:
        """Let the rule decide about an attempt in the place of what it gave for it; False where that gives no
        more, or where what it gave was taken back, or would have been if there had been something."""
        own = attempt.awards()
        if not all(map(books.stands, own)) or (attempt.withdrawn and not own):
            return False
        marks = [mark for award_id in own for mark in books.marks(award_id)]
        before = sum(books.reversible[award_id].amount for award_id in own if award_id in books.reversible)
        decision = attempt.case.decide(without(read, marks), attempt.boost())
        if decision.outcome != "awarded" or (own and decision.points <= before):
            return False
        item = attempt.item or self._item_of(attempt, states)
        if item.again is not None:
            item.again |= {attempt.case.rule.rule_id}
        rule_id, at = attempt.case.rule.rule_id, attempt.event.occurred_at
        item.decisions = [
            one for one in item.decisions if one["rule_id"] != rule_id or one["outcome"] == "reversed"
        ]
        item.gifts = [gift for gift in item.gifts if gift.award_id not in own]
        for award_id in own:
            if award_id in books.reversible:
                item.decisions += [one.as_dict() for one in books.take_back(item, award_id, at, DECIDED_ANEW)]
            else:
                books.free(award_id)
        made = books.post(item, attempt.learner.learner_id, decision)
        if attempt.key is not None and self._is_stated(attempt, states):
            states.gave(attempt.key, item.event_id, decision, made)
        if item.event.notes:
            decision.detail["notes"] = list(item.event.notes)
        item.decisions.append(decision.as_dict())
        item.points = sum(map(points_of, item.decisions))
        item.earned = books.accounts[attempt.learner.learner_id].earned
        return True

    def _item_of(self, attempt: Attempt, states: Completions) -> Item:
        """A stored event on its way again, for the sake of a rule."""
        stored = attempt.stored
        assert stored is not None, "an attempt is stored, or on its way"
        event = replace(as_event(stored), received=stored.received)
        item = attempt.item = Item(event, stored.event_id, stored, attempt.learner)
        item.reason, item.decisions, item.statement = stored.reason, stored.decisions, attempt.statement
        item.again = frozenset()
        if attempt.key is not None and attempt.statement is not None:
            later = states.superseded_by(attempt.key, attempt.event)
            item.superseded = later is not None and is_module(attempt.statement)
        for one in self.all():
            if one.event_id == item.event_id:
                one.item = item
        self.again.append(item)
        return item

    def _is_stated(self, attempt: Attempt, states: Completions) -> bool:
        """Whether what an attempt is about is stated in its own run of the course."""
        state = None if attempt.key is None else states.stated(attempt.key)
        if state is None or attempt.statement is None or not is_module(attempt.statement):
            return state is not None
        one = attempt.event
        until = self._resets.run(one.source, one.properties, one.occurred_at).until
        return until is None or state.occurred_at < until

    def _ends(self, event: Event, event_id: str, attempt: Attempt) -> bool:
        """Whether a withdrawal is later than an attempt; of a module, also in the same run of its course."""
        one = attempt.event
        if (event.occurred_at, event.sequence, event_id) < (one.occurred_at, one.sequence, attempt.event_id):
            return False
        if attempt.statement is None or not is_module(attempt.statement):
            return True
        until = self._resets.run(one.source, one.properties, one.occurred_at).until
        return until is None or event.occurred_at < until


def without(read: ReadCount, marks: Sequence[Mark]) -> ReadCount:
    """Counts as if an award with these marks weren't there."""

    def count(probe: Probe) -> Count:
        found = read(probe)
        for one in marks:
            if (
                one.mark == probe.mark
                and (probe.since is None or one.occurred_at >= probe.since)
                and (probe.until is None or one.occurred_at < probe.until)
            ):
                left = found.awards - 1
                found = found._replace(awards=left, points=found.points - one.points) if left else NOTHING
        return found

    return count


async def read(
    conn: Any,
    configuration: Configuration,
    losing: Collection[str],
    entry_ids: Collection[str],
    items: Sequence[Item],
) -> Attempts:
    """The stored attempts beside events of which an award may be taken back: those with an id in `losing`,
    and those that entries are for. Of events among `items` none: they are decided themselves.

    The learners' accounts are locked, and so are the events then. That is against the common order, so there
    may be a deadlock with who decides such an event at that moment, which PostgreSQL breaks and the caller
    repeats.
    """
    attempts = Attempts(configuration.rules.resets)
    organisation_id = configuration.organisation_id
    if not losing and not entry_ids:
        return attempts
    rows = await conn.fetch(SQL["attempts"], organisation_id, list(entry_ids), list(losing), MAX_ATTEMPTS)
    own = {item.event_id for item in items}
    rule_ids: dict[str, list[str]] = {}
    for row in rows:
        if row["event_id"] not in own:
            rule_ids.setdefault(row["event_id"], []).append(row["rule_id"])
    if not rule_ids:
        return attempts
    stored = await events_store.lock(conn, organisation_id, rule_ids)
    known = {item.learner.learner_id: item.learner for item in items if item.learner}
    for learner_id in {one.learner_id for one in stored.values()} - known.keys():
        if learner_id is not None and (learner := await learners.read(conn, organisation_id, learner_id)):
            known[learner_id] = learner

    decided = [
        (one, decision)
        for one in stored.values()
        for decision in one.decisions
        if decision["rule_id"] in rule_ids[one.event_id] and decision["outcome"] in _ATTEMPTED
    ]
    versions = {(decision["rule_id"], decision["rule_version"]) for _, decision in decided}
    rules = dict(configuration.rules.versions)
    missing = versions - rules.keys()
    rules |= configuration.rules.compiled(await rules_store.versions(conn, organisation_id, missing))
    for one, decision in decided:
        rule = rules.get((decision["rule_id"], decision["rule_version"]))
        learner = known.get(one.learner_id or "")
        if rule is None or learner is None or not rule.is_best:
            continue
        event = as_read(as_event(one))
        case = rule.consider(event)
        probe = case.best() if isinstance(case, Case) else None
        if probe is not None and isinstance(case, Case):
            statement = configuration.withdrawals.stated(event)
            attempts.note(Attempt(one.event_id, event, learner, case, probe, statement, one))
    await _find_withdrawn(conn, configuration, attempts, own)
    return attempts


async def _find_withdrawn(
    conn: Any, configuration: Configuration, attempts: Attempts, own: Collection[str]
) -> None:
    """Which attempts were withdrawn before: one that had given nothing lost nothing that would say so."""
    things = {
        (one.learner.learner_id, one.event.source, *_named(one.statement))
        for one in attempts.all()
        if one.statement is not None and not one.awards()
    }
    if not things:
        return
    withdrawals = configuration.withdrawals
    columns = [list(column) for column in zip(*things, strict=True)]
    names = ["lesson.reopened", *withdrawals.names]
    rows = await conn.fetch(SQL["withdrawing"], configuration.organisation_id, *columns, names, MAX_ATTEMPTS)
    for row in rows:
        event = as_read(row_as_event(row))
        statement = withdrawals.stated(event)
        if row["event_id"] not in own and statement is not None and statement.state == "reopened":
            attempts.withdraw((row["learner_id"], event.source, statement.subject), event, row["event_id"])


def _named(statement: Statement) -> tuple[str, str]:
    """The property by which a thing is named, and its value."""
    sought = statement.sought
    return ("lesson_id", statement.subject) if sought is None else (sought.by, sought.value)
