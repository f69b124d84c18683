"""Gives what rules would have given in the past, piece by piece under the learners' locks, and undoes it.

Locks are taken as the pipeline takes them: stored events, then accounts, each sorted. Whether an award is
still due is decided again under them, so that requests at work on the same learners are safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from rocket_server.events import store as events_store
from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent, as_event
from rocket_server.ids import uuid7
from rocket_server.ledger import model as ledger
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Account, Cause, Entry
from rocket_server.ledger.store import StoredEntry
from rocket_server.pipeline import completions
from rocket_server.rules import store as rules_store
from rocket_server.rules.compile import Case, CompiledRule
from rocket_server.rules.evaluate import Decision
from rocket_server.rules.store import Mark
from rocket_server.rules.tally import Tally
from rocket_server.simulation import batches
from rocket_server.simulation.batches import SQL, Batch
from rocket_server.simulation.model import Addition
from rocket_server.sources.stored import as_read
from rocket_server.sources.withdrawals import Statement, is_module

ACTOR: Final = "rules"
APPLIED: Final = "rule applied to the past"
UNDONE: Final = "batch undone"
PIECE_EVENTS: Final = 500  # in one transaction
_FIRST: Final = "00000000-0000-0000-0000-000000000000"


Stated = Callable[[Event], Statement | None]


class Applied(NamedTuple):
    """What a piece did. `left_out` are additions that are due no more, or for which no cap leaves room."""

    entries: int
    points: int
    left_out: int


class _Due(NamedTuple):
    """One rule and one stored event that it may give more for; `base` are its awards that stand."""

    stored: StoredEvent
    learner_id: str
    event: Event
    rule: CompiledRule
    case: Case
    base: list[StoredEntry]


class _Writing:
    """What a piece will write."""

    def __init__(self, accounts: dict[str, Account], batch_id: str) -> None:
        self.accounts = accounts
        self.batch_id = batch_id
        self.entries: list[Entry] = []
        self.decisions: dict[str, list[Decision]] = {}
        self.removed: list[str] = []  # awards
        self.marks: list[Mark] = []

    async def write(self, conn: Any, organisation_id: str) -> None:
        touched = {entry.learner_id for entry in self.entries}
        await ledger_store.write(
            conn, organisation_id, self.entries, [self.accounts[learner_id] for learner_id in touched]
        )
        await rules_store.remove_marks(conn, organisation_id, self.removed)
        await rules_store.add_marks(conn, organisation_id, self.marks)
        await batches.add_decisions(conn, organisation_id, self.decisions)


async def apply_piece(
    conn: Any,
    organisation_id: str,
    rules: dict[str, CompiledRule],
    batch: Batch,
    additions: Sequence[Addition],
    stated: Stated,
) -> Applied:
    """Give the additions that are still due, one entry each; `conn` is in a transaction.

    What a rule had given for the event stays and the difference is added to it: such an award counts once
    against caps, with the points of both. `rules` are those in force, by id; `stated` says what
    an event states.
    """
    stored = await events_store.lock(conn, organisation_id, {one.event_id for one in additions})
    learner_ids = {event.learner_id for event in stored.values() if event.learner_id}
    active = {row[0] for row in await conn.fetch(SQL["active_learners"], organisation_id, list(learner_ids))}
    writing = _Writing(await ledger_store.lock(conn, organisation_id, active), batch.batch_id)
    due = await _due(conn, organisation_id, rules, additions, stored, writing.accounts)

    keys = {
        key for one in due if (key := completions.key_of(stated(one.event), one.event.source, one.learner_id))
    }
    states = await completions.read(conn, organisation_id, keys)
    bases = [entry.entry_id for one in due for entry in one.base]
    marks: dict[str, list[Mark]] = {}
    for mark in await rules_store.find_marks(conn, organisation_id, bases):
        marks.setdefault(mark.award_id, []).append(mark)
    tally = Tally()
    wanted = {(one.learner_id, one.rule.rule_id, probe): None for one in due for probe in one.case.probes()}
    for counted in await rules_store.count(conn, organisation_id, list(wanted)):
        tally.store(*counted)

    given: dict[str, int] = {}
    for one in due:
        statement = stated(one.event)
        key = completions.key_of(statement, one.event.source, one.learner_id)
        state = states.stated(key) if key is not None else None
        if state is not None and statement is not None and is_module(statement):
            run = one.rule.calendar.resets.run(one.event.source, one.event.properties, one.event.occurred_at)
            if run.until is not None and state.occurred_at >= run.until:
                state = None  # its course has begun anew since
        if state is not None and state.state == "reopened":
            continue
        made = _give(
            one, tally, writing, [mark for entry in one.base for mark in marks.get(entry.entry_id, ())]
        )
        if made is not None:
            entry_id, points = made
            given[entry_id] = points
            if key is not None and state is not None:
                states.earned(key, entry_id)
    if given:
        await writing.write(conn, organisation_id)
        await states.write(conn, organisation_id)
        await batches.grow(conn, organisation_id, batch.batch_id, given)
    return Applied(len(given), sum(given.values()), len(additions) - len(given))


async def _due(
    conn: Any,
    organisation_id: str,
    rules: dict[str, CompiledRule],
    additions: Sequence[Addition],
    stored: dict[str, StoredEvent],
    accounts: dict[str, Account],
) -> list[_Due]:
    """The additions whose rule still gives something for the event, with what it gave already."""
    live = await ledger_store.find_entries(
        conn,
        organisation_id,
        {entry_id for event in stored.values() for _, entry_id in _awarded(event)},
    )
    due: list[_Due] = []
    for one in additions:
        event, rule = stored.get(one.event_id), rules.get(one.rule_id)
        if event is None or rule is None or not rule.active or event.status != "processed":
            continue
        learner_id = event.learner_id
        if learner_id is None or learner_id not in accounts or rule.rule.trigger.event != event.event:
            continue
        as_event = _event(event)
        case = rule.consider(as_event)
        if isinstance(case, Case):
            base = [
                live[entry_id]
                for rule_id, entry_id in _awarded(event)
                if rule_id == one.rule_id and entry_id in live and not live[entry_id].reversed
            ]
            due.append(_Due(event, learner_id, as_event, rule, case, base))
    return due


def _give(one: _Due, tally: Tally, writing: _Writing, carried: list[Mark]) -> tuple[str, int] | None:
    """Award what is missing: the entry's id and points, or None where nothing is. `carried` are the marks of
    what was given before."""
    rule_id, occurred_at = one.rule.rule_id, one.event.occurred_at
    for mark in carried:
        tally.remove(one.learner_id, rule_id, (mark.mark,), mark.occurred_at, mark.points)
    before = sum(entry.amount for entry in one.base)
    decision = one.case.decide(tally.reader(one.learner_id, rule_id))
    if decision.outcome != "awarded" or decision.points <= before:
        for mark in carried:
            tally.add(one.learner_id, rule_id, (mark.mark,), mark.occurred_at, mark.points)
        return None

    award_id, total = uuid7(), decision.points
    missing = total - before
    names = {mark.mark for mark in carried}
    own = tuple(mark for mark in decision.marks if mark not in names)
    tally.add(one.learner_id, rule_id, (*names, *own), occurred_at, total)
    if carried:
        writing.removed += [entry.entry_id for entry in one.base]
        writing.marks += [mark._replace(points=total) for mark in carried]
    writing.marks += [Mark(one.learner_id, rule_id, mark, occurred_at, award_id, total) for mark in own]
    detail = {**decision.detail, "entry_id": award_id, "batch": writing.batch_id}
    if one.base:
        detail["adds_to"] = {"entry_id": one.base[0].entry_id, "points": before, "marks": list(own)}
    cause = Cause(
        ACTOR,
        occurred_at,
        APPLIED,
        one.stored.event_id,
        rule_id,
        one.rule.version,
        {"batch": writing.batch_id},
    )
    writing.entries.append(ledger.award(writing.accounts[one.learner_id], award_id, missing, cause))
    writing.decisions.setdefault(one.stored.event_id, []).append(
        decision._replace(points=missing, detail=detail)
    )
    return award_id, missing


async def undo_piece(
    conn: Any, organisation_id: str, batch: Batch, after: str, limit: int = PIECE_EVENTS
) -> tuple[str | None, int, int]:
    """Reverse the next entries of a batch, above the id `after`: the last id (None at the end), and how many
    entries and points were taken back. What was reversed before is left alone; `conn` is in a transaction."""
    rows = await conn.fetch(SQL["entries_after"], organisation_id, batch.batch_id, after, limit)
    if not rows:
        return None, 0, 0
    stored = await events_store.lock(conn, organisation_id, {row[1] for row in rows})
    entry_ids = [row[0] for row in rows]
    # An entry's learner is the one after all merges; who was anonymised keeps sums that have to be right.
    found = await ledger_store.find_entries(conn, organisation_id, entry_ids)
    learner_ids = {entry.learner_id for entry in found.values()}
    accounts = await ledger_store.lock(conn, organisation_id, learner_ids, anonymised=True)
    writing = _Writing(accounts, batch.batch_id)
    # Read again under the lock: who raced us has committed by now.
    found = await ledger_store.find_entries(conn, organisation_id, entry_ids)
    points = 0
    bases: dict[str, int] = {}
    for entry_id, event_id in rows:
        entry, event = found[entry_id], stored.get(event_id)
        if entry.reversed:
            continue
        points += entry.amount
        writing.removed.append(entry.entry_id)
        _reverse(writing, entry, event_id, event)
        adds_to = _adds_to(event, entry_id)
        if adds_to is not None:
            bases[adds_to] = bases.get(adds_to, 0) + entry.amount
    for mark in await rules_store.find_marks(conn, organisation_id, list(bases)):
        writing.marks.append(mark._replace(points=mark.points - bases[mark.award_id]))
    writing.removed += bases
    if writing.entries:
        await writing.write(conn, organisation_id)
    return rows[-1][0], len(writing.entries), points


def _reverse(writing: _Writing, entry: StoredEntry, event_id: str, event: StoredEvent | None) -> None:
    reversal_id, rule_id, version = uuid7(), entry.rule_id or "", entry.rule_version or 0
    account = writing.accounts[entry.learner_id]
    assert event is not None, f"entry {entry.entry_id} is for no stored event"
    cause = Cause(ACTOR, event.occurred_at, UNDONE, event_id, rule_id, version, {"batch": writing.batch_id})
    writing.entries.append(ledger.reverse(account, reversal_id, entry.entry_id, "award", entry.amount, cause))
    detail = {
        "entry_id": reversal_id,
        "reverses": entry.entry_id,
        "reason": UNDONE,
        "batch": writing.batch_id,
    }
    writing.decisions.setdefault(event_id, []).append(
        Decision(rule_id, version, "reversed", -entry.amount, None, detail, ())
    )


def _awarded(event: StoredEvent) -> list[tuple[str, str]]:
    """Rule and entry of the awards among an event's decisions."""
    return [
        (decision["rule_id"], decision["detail"]["entry_id"])
        for decision in event.decisions
        if decision["outcome"] == "awarded" and "entry_id" in decision["detail"]
    ]


def _adds_to(event: StoredEvent | None, entry_id: str) -> str | None:
    """The award to which an entry was added."""
    for decision in () if event is None else event.decisions:
        if decision["detail"].get("entry_id") == entry_id:
            adds_to: str | None = decision["detail"].get("adds_to", {}).get("entry_id")
            return adds_to
    return None


def _event(stored: StoredEvent) -> Event:
    """A stored event as rules and completions see it."""
    return as_read(as_event(stored))
