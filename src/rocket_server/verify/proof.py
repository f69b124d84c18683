"""Proves the ledger from scratch: balances from entries, awards from events, counters from awards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from rocket_server.accounts import ISSUANCE, REDEMPTION
from rocket_server.db.queries import load
from rocket_server.events.model import Event
from rocket_server.events.store import row_as_event
from rocket_server.organisations import store
from rocket_server.pipeline.model import points_of
from rocket_server.rules.boost import Boost, Factor
from rocket_server.rules.compile import Case, CompiledRule
from rocket_server.rules.model import LEAST_MULTIPLIER, MOST_MULTIPLIER, ByRank
from rocket_server.rules.tally import Tally
from rocket_server.verify import badges
from rocket_server.verify.badges import Snapshot
from rocket_server.verify.rules import Rules, RulesOf

SQL = load(__file__, "proof.sql")


MAX_DIFFERENCES = 1_000  # of one kind in one organisation
_LEARNERS_AT_ONCE = 200
_FIRST = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is stored otherwise than it follows from what it was made of."""

    organisation_id: str
    kind: str
    subject: str
    message: str


async def verify(conn: Any, organisation_id: str | None = None) -> list[Difference]:
    """All differences in one organisation, or in all, as `conn` sees them; an empty list where everything
    adds up. At most MAX_DIFFERENCES of each kind are listed."""
    organisations = (
        await store.all_organisations(conn)
        if organisation_id is None
        else [await store.read(conn, organisation_id)]
    )
    found: list[Difference] = []
    for organisation in organisations:
        found += await verify_apart(lambda: nullcontext(conn), organisation.organisation_id)
    return found


async def verify_apart(snapshot: Snapshot, organisation_id: str) -> list[Difference]:
    """As `verify` of one organisation, in many short transactions, so that none is open for hours.

    Each `snapshot` is a transaction that sees one moment (repeatable read). What is compared is all seen at
    one moment: a whole kind of rows by one statement, or some hundred learners with all that is theirs. Rules
    are read again where the organisation's version is another. Who was merged or split meanwhile is looked at
    once more, for what was looked at may have become theirs, or the other way round.
    """
    found = await _by_sets(snapshot, organisation_id)
    rules = RulesOf()
    async with snapshot() as conn:
        started_at = await conn.fetchval(SQL["moment"])
    after: str | None = _FIRST
    while after is not None:
        async with snapshot() as conn:
            rows = await conn.fetch(SQL["learners_after"], organisation_id, after, _LEARNERS_AT_ONCE)
            found += await _learners(conn, await rules.read(conn, organisation_id), rows)
        after = rows[-1]["learner_id"] if rows else None
    async with snapshot() as conn:
        changed = await conn.fetch(SQL["changed_since"], organisation_id, started_at)
    for first in range(0, len(changed), _LEARNERS_AT_ONCE):
        async with snapshot() as conn:
            part = [row["learner_id"] for row in changed[first : first + _LEARNERS_AT_ONCE]]
            rows = await conn.fetch(SQL["learners_of"], organisation_id, part)
            again = await _learners(conn, await rules.read(conn, organisation_id), rows)
        found += [difference for difference in again if difference not in found]
    async for subject, message in badges.differences(snapshot, organisation_id, MAX_DIFFERENCES):
        found.append(Difference(organisation_id, "badge", subject, message))
    return found


async def _by_sets(snapshot: Snapshot, organisation_id: str) -> list[Difference]:
    """What SQL can compare for all rows at once."""
    found: list[Difference] = []

    async def rows(query: str, *arguments: Any) -> Any:
        async with snapshot() as conn:
            return await conn.fetch(SQL[query], organisation_id, *arguments)

    def add(kind: str, subject: str, message: str) -> None:
        found.append(Difference(organisation_id, kind, subject, message))

    for row in await rows("balances", ISSUANCE, REDEMPTION, MAX_DIFFERENCES):
        expected = row["expected_earned"] - row["expected_spent"]
        add(
            "balance",
            f"learner {row['learner_id']}",
            f"is {row['points']} (earned {row['earned']}, spent {row['spent']}, {row['entries']} entries), "
            f"the entries say {expected} (earned {row['expected_earned']}, spent {row['expected_spent']}, "
            f"{row['expected_entries']} entries)",
        )
    for row in await rows("running_balances", MAX_DIFFERENCES):
        add(
            "entry",
            f"entry {row['entry_id']}",
            f"has number {row['number']} and balance {row['balance_after']}, should have "
            f"{row['expected_number']} and {row['expected_balance']}",
        )
    ((total,),) = await rows("sum_of_accounts", ISSUANCE, REDEMPTION)
    if total != 0:
        add("sum", "all accounts", f"hold {total} points together, should hold 0")
    for row in await rows("reversals", MAX_DIFFERENCES):
        add("reversal", f"entry {row['entry_id']}", f"doesn't undo entry {row['reverses']}")
    for row in await rows("transfers", MAX_DIFFERENCES):
        add(
            "merge",
            f"learner {row['learner_id']}",
            f"moved {row['total']} points from account {row['counterpart']} by merging, should move none",
        )
    for row in await rows("left_behind", MAX_DIFFERENCES):
        add("merge", f"learner {row['learner_id']}", "was merged into another, but not all of it followed")
    for row in await rows("events_without_key", MAX_DIFFERENCES):
        add("dedupe", f"event {row['event_id']}", "has no dedupe key, so it could be stored again")
    for row in await rows("keys_shared", MAX_DIFFERENCES):
        add("dedupe", f"event {row['event_id']}", f"has {row['keys']} dedupe keys, should have one")
    for row in await rows("entries_without_decision", MAX_DIFFERENCES):
        add("award", f"entry {row['entry_id']}", f"is explained by no decision of event {row['event_id']}")
    for row in await rows("marks_without_award", MAX_DIFFERENCES):
        add(
            "counter",
            f"learner {row['learner_id']}, rule {row['rule_id']}",
            f"counts {row['mark']!r} for award {row['award_id']}, which doesn't stand",
        )
    return found


async def _learners(conn: Any, rules: Rules, learners: Sequence[Any]) -> list[Difference]:
    """What needs the rules: the awards of some learners, made again from events."""
    if not learners:
        return []
    organisation_id = learners[0]["organisation_id"]
    learner_ids = [row["learner_id"] for row in learners]
    anonymised = {row["learner_id"] for row in learners if row["anonymised"]}
    entries = await conn.fetch(SQL["entries_of"], organisation_id, learner_ids)
    marks = await conn.fetch(SQL["marks_of"], organisation_id, learner_ids)
    merges = await conn.fetch(SQL["merges_of"], organisation_id, learner_ids)
    awards = _Awards(rules, entries, marks, _Persons(merges), anonymised)
    events = await conn.fetch(SQL["events_of"], organisation_id, learner_ids)
    awards.note_taken_back(events)
    for row in events:
        awards.check_event(row)
    awards.check_caps()
    return [Difference(organisation_id, "award", subject, message) for subject, message in awards.found]


class _Persons:
    """Who was one person when: caps hold among the awards of those who were one when the last was made."""

    def __init__(self, merges: Iterable[Any]) -> None:
        """`merges`, in order: the survivor, who was merged into them, and the number of the survivor's last
        entry then."""
        self._numbers: dict[str, list[int]] = {}
        self._became: dict[str, tuple[str, int]] = {}  # who was merged: into whom, as which of theirs
        for row in merges:
            numbers = self._numbers.setdefault(row["learner_id"], [])
            numbers.append(row["number"])
            self._became[row["other_id"]] = (row["learner_id"], len(numbers))

    def merged(self, learner_id: str) -> bool:
        """Whether somebody was merged into a learner."""
        return learner_id in self._numbers

    def of(self, learner_id: str, number: int) -> list[str]:
        """Names of all to whom a learner's entry belongs, from who they were when it was made."""
        found: list[str] = []
        merged = bisect_left(self._numbers.get(learner_id, ()), number)
        while True:
            last = len(self._numbers.get(learner_id, ()))
            found.extend(f"{learner_id}/{count}" for count in range(merged, last + 1))
            if learner_id not in self._became:
                return found
            learner_id, merged = self._became[learner_id]


class _StandingAward(NamedTuple):
    """An award that stands. Ids are in the order in which awards were made; `first` is the award to which
    this one was added, or itself."""

    award_id: str
    first: str
    subject: str
    persons: Sequence[str]
    cases: Sequence[Case]  # in each zone in which it may have been made
    points: int
    worth: int  # what its event would give without any limit
    marks: set[str]


class _Awards:
    """Awards of some learners: checked event by event, then all caps at once.

    Of an anonymised learner only the sums are checked: what rules had asked of the events is gone.
    """

    def __init__(
        self,
        rules: Rules,
        entries: Iterable[Any],
        marks: Iterable[Any],
        persons: _Persons,
        anonymised: set[str],
    ) -> None:
        self.found: list[tuple[str, str]] = []  # subject and message
        self._rules = rules
        self._entries = {row["entry_id"]: row for row in entries}
        self._marks: dict[str, set[str]] = {}
        for row in marks:
            self._marks.setdefault(row["award_id"], set()).add(row["mark"])
        self._tally = Tally()
        self._taken_back: set[str | None] = set()
        self._standing: list[_StandingAward] = []
        self._persons = persons
        self._anonymised = anonymised

    def note_taken_back(self, rows: Iterable[Any]) -> None:
        """Learn which awards later events took back: those without points have no entry that would say so."""
        for row in rows:
            for decision in row["decisions"]:
                if decision["outcome"] == "reversed":
                    self._taken_back.add(decision["detail"].get("reverses"))

    def check_event(self, row: Any) -> None:
        """The event's points are its decisions', and each award that stands is one that its rule gives."""
        subject = f"event {row['event_id']}"
        if row["points_awarded"] != sum(map(points_of, row["decisions"])):
            self.found.append((subject, f"says {row['points_awarded']} points, its decisions say otherwise"))
        event = row_as_event(row)
        awarded = [decision for decision in row["decisions"] if decision["outcome"] == "awarded"]
        boost = self._boost(awarded)
        for decision in awarded:
            message = None
            if "entry_id" in decision["detail"]:
                message = self._check_award(subject, row["learner_id"], event, decision, boost)
            elif "award_id" in decision["detail"] and decision["detail"]["award_id"] not in self._taken_back:
                message = self._check_award_without_points(subject, row["learner_id"], event, decision)
            if message:
                self.found.append((subject, message))

    def _boost(self, awarded: list[dict[str, Any]]) -> Boost | None:
        """What multiplied the event's points, by the rules that say they did.

        Which rank a learner had then can't be derived again, since it followed from what had been seen until
        then: that the factor stated is the one that was applied is checked, and not the rank.
        """
        factors = []
        for decision in awarded:
            rule = self._rules.today(decision["rule_id"], decision["rule_version"])
            if rule is None or rule.multiplier is None:
                continue
            factor = _stated(decision) if isinstance(rule.multiplier, ByRank) else rule.multiplier
            if factor is not None:
                factors.append(Factor(rule.rule_id, rule.version, factor))
        return Boost(factors) if factors else None

    def _check_award(
        self,
        subject: str,
        learner_id: str,
        event: Event,
        decision: dict[str, Any],
        boost: Boost | None,
    ) -> str | None:
        """What is wrong with an award, if anything; one that stands is counted for `check_caps`."""
        points, entry_id = decision["points"], decision["detail"]["entry_id"]
        entry = self._entries.get(entry_id)
        if entry is None or entry["amount"] != points:
            return f"decided {points} points that no entry of its learner has"
        rules = self._rules_of(decision, entry_id)
        if entry["reversed"] or not rules or learner_id in self._anonymised:
            return None
        rule, cases = rules[0], _cases(rules, event)
        worth = rule.points if rule.computed is None else rule.computed(event)["points"]
        multiplied = None if boost is None else boost.as_dict(worth)
        if decision["detail"].get("multiplier") != multiplied:
            return f"says that {rule.rule_id} was multiplied otherwise than the other rules multiply"
        if boost is not None:
            worth = boost.apply(worth)
        capped = rule.rule.constraints.max_points_per_day is not None
        adds_to = decision["detail"].get("adds_to")
        total = points + (adds_to["points"] if adds_to else 0)
        if not cases or not (total == worth or ((capped or rule.is_best) and total < worth)):
            return f"was given {points} points that {rule.rule_id} doesn't give"
        persons = self._persons.of(entry["made_to"], entry["number"])
        return self._check_marks(subject, persons, cases, points, worth, entry_id, adds_to)

    def _check_award_without_points(
        self, subject: str, learner_id: str, event: Event, decision: dict[str, Any]
    ) -> str | None:
        """As `_check_award`, for a badge or a multiplication, which no entry tells of."""
        award_id = decision["detail"]["award_id"]
        rules = self._rules_of(decision, award_id)
        if not rules or learner_id in self._anonymised:
            return None
        cases = _cases(rules, event)
        if not cases:
            return f"was given what {rules[0].rule_id} doesn't give"
        # Without an entry, nothing says on which side of a merge it was given.
        persons = [] if self._persons.merged(learner_id) else self._persons.of(learner_id, 0)
        return self._check_marks(subject, persons, cases, 0, 0, award_id)

    def _rules_of(self, decision: dict[str, Any], award_id: str) -> list[CompiledRule]:
        """The rule version that made an award, in the zones in which it may have been made; empty where it
        isn't known, or where one of its patterns isn't taken any more."""
        rules = self._rules.at(award_id, decision["rule_id"], decision["rule_version"])
        return [rule for rule in rules if rule.rule.fault is None]

    def _check_marks(
        self,
        subject: str,
        persons: Sequence[str],
        cases: Sequence[Case],
        points: int,
        worth: int,
        award_id: str,
        adds_to: dict[str, Any] | None = None,
    ) -> str | None:
        """Whether an award that stands is counted under what it should be; `check_caps` counts it.

        Points that a batch added to an award (`adds_to`) are counted with it, under what that lacks.
        """
        stored = self._marks.get(award_id, set())
        expected = next(
            (marks for one in cases if (marks := set(one.marks())) == stored), set(cases[0].marks())
        )
        if adds_to is not None:
            if not set(adds_to["marks"]) <= expected:
                return f"is counted under {adds_to['marks']}, should be under {sorted(expected)}"
            expected = set(adds_to["marks"])
        first = award_id if adds_to is None else adds_to["entry_id"]
        self._standing.append(
            _StandingAward(award_id, first, subject, persons, cases, points, worth, expected)
        )
        if stored != expected:
            return f"is counted under {sorted(stored)}, should be under {sorted(expected)}"
        return None

    def check_caps(self) -> None:
        """No award stands that is more than its rule allowed when it was made, beside those before it.

        Later ones don't matter to it: the rule may have been changed in between.
        """
        carried: dict[str, tuple[set[str], int]] = {}
        for one in sorted(self._standing, key=lambda one: one.award_id):
            rule_id, occurred_at = one.cases[0].rule.rule_id, one.cases[0].event.occurred_at
            marks, points = carried.get(one.first, (set[str](), 0))
            carried[one.first] = (marks | one.marks, points + one.points)
            for person in one.persons:
                self._tally.remove(person, rule_id, marks, occurred_at, points)
                self._tally.add(person, rule_id, marks | one.marks, occurred_at, points + one.points)
            broken = min((self._broken(one, case) for case in one.cases if one.persons), key=len, default=[])
            for name in broken:
                self.found.append((one.subject, f"is one award too many for {name} of {rule_id}"))

    def _broken(self, one: _StandingAward, case: Case) -> list[str]:
        """The limits that an award doesn't keep to, beside those counted before it."""
        return [
            constraint.name
            for constraint, probe in case.checks
            if not constraint.holds(
                self._tally.count(one.persons[0], case.rule.rule_id, probe), one.points, one.worth
            )
        ]


def _cases(rules: Iterable[CompiledRule], event: Event) -> list[Case]:
    """What the rules say of an event, where they give something for it."""
    return [case for rule in rules if isinstance(case := rule.consider(event), Case)]


def _stated(decision: dict[str, Any]) -> int | float | None:
    """The factor by rank that a decision states, if it is one that a rank may have."""
    factor: int | float | None = decision["detail"].get("rank", {}).get("factor")
    multiplies = decision["detail"].get("multiplies", {}).get("factor")
    if factor is None or factor != multiplies or not LEAST_MULTIPLIER <= factor <= MOST_MULTIPLIER:
        return None
    return factor
