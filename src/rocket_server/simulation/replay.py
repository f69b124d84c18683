"""Judges the stored events of learners again, one learner after another, beside what was given; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal

from rocket_server.events.model import Event
from rocket_server.organisations.settings import DEFAULT_RANKS, Rank
from rocket_server.ranks.streaks import rank_of
from rocket_server.rules.boost import Boost, Factor
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.evaluate import NOTHING, Decision
from rocket_server.rules.judge import judge
from rocket_server.rules.resets import NO_RESETS, Resets
from rocket_server.rules.tally import Tally
from rocket_server.simulation.attempts import ATTEMPTED, Attempt, Attempts, Award, Given
from rocket_server.simulation.book import Book, Place
from rocket_server.simulation.model import Addition, RuleSums, Sums
from rocket_server.simulation.stored import (
    WITHDRAWN_LATER,
    Before,
    StoredDecision,
    StoredReversal,
    decode_decisions,
)
from rocket_server.sources.stored import as_read
from rocket_server.sources.withdrawals import Statement, is_module

DECIDED_ANEW: Final = "decided anew"  # as `pipeline/model.py` has it: such a reversal isn't the event's own

_NONE: Final[dict[str, Given]] = {}
_NO_DECISIONS: Final = "[]"
_NO_RULES: Final = frozenset[str]()

# An event that states something is the latest about its subject; or was overtaken by one that says that it
# stands; or by a withdrawal, which rules then answer; or is from before its course began anew, after which
# something was stated.
_StateOrder = Literal["latest", "overtaken", "withdrawn", "earlier_run"]


class Replay:
    """Judges events, given in order of receipt for one learner after another.

    Rules are independent of each other, so only the candidates are judged; what other rules gave counts on
    both sides. As long as a candidate is the rule that decided an event, and has given the learner just what
    was given, the stored decision is its decision: the order in which concurrent requests were decided, a
    suspension in between and an event that was run again are in it, and nowhere else. With `trust` False
    every event is judged, which proves that judging gives what was decided.

    Rules that multiply by rank take the rank that the event's decisions state, or else the one of now.

    `candidates` None stands for the rules as they were: each event is judged by the versions that decided it.
    """

    def __init__(
        self,
        book: Book,
        candidates: RuleSet | None,
        versions: Mapping[tuple[str, int], CompiledRule],
        in_force: Mapping[str, Sequence[tuple[int, int]]],
        *,
        ranks: Sequence[Rank] = DEFAULT_RANKS,
        trust: bool = True,
        collect: bool = False,
        stated: Callable[[Event], Statement | None],
        resets: Resets = NO_RESETS,
    ) -> None:
        """`versions` are all versions of the candidates' rules, `in_force` from which Unix millisecond on
        each was, the latest first. `ranks` are the organisation's. With `collect`, `end` answers
        additions. `stated` says what an event states to stand, or to stand no more."""
        self._book = book
        self._candidates = candidates
        self._versions = versions
        self._in_force = in_force
        self._ranks = ranks
        self._trust = trust
        self._collect = collect
        self._stated = stated
        self._resets = resets
        self._same: dict[tuple[str, int], bool] = {}
        self._hearing_ids: dict[str, frozenset[str]] = {}
        self._tried = (
            {rule_id for rule_id, _ in versions}
            if candidates is None
            else {rule.rule_id for rule in candidates.rules}
        )

    # ---- one learner ---------------------------------------------------------------------------------------

    def begin(self, learner_id: str, before: Before) -> None:
        """Start with a learner: what was given before counts against caps."""
        self._learner_id = learner_id
        self._active = before.active
        self._rank = rank_of(before.streak_weeks, self._ranks)
        self._points = Sums()
        self._touched = False
        self._tally = Tally()
        self._diverged: set[str] = set()
        self._pending: dict[str, list[Award]] = {}  # trusted, and not counted until somebody asks
        self._gains: list[Award] = []
        self._states = {
            (one.source, one.subject): (one.occurred_at, one.sequence, one.state)
            for one in before.completions
        }
        self._earned: dict[tuple[str, str], list[Award]] = {}
        self._attempts: Attempts = Attempts(self._resets)
        self._boost: Boost | None = None  # what really multiplied the event that is judged
        self._made: set[str | None] = set()  # awards without points
        self._taken: set[str | None] = set()  # entries that were taken back, from the candidates too
        for mark in before.marks:
            self._tally.add(learner_id, mark.rule_id, (mark.mark,), mark.occurred_at, mark.points)
        self._earlier: dict[str, tuple[StoredReversal, tuple[str, ...]]] = {}
        by_hand = []
        for reversal in before.reversals:
            if reversal.event is not None:
                marks = self._marks(reversal)
                self._tally.add(
                    learner_id, reversal.rule_id, marks, reversal.event.occurred_at, reversal.amount
                )
                self._earlier[reversal.entry_id] = (reversal, marks)
            if reversal.by_event is None:
                by_hand.append(reversal)
        self._by_hand = sorted(by_hand, key=lambda one: one.reversal_id, reverse=True)
        self._watched = {one.event_id for one in by_hand if one.event is None}
        self._places: dict[str | None, Place] = {}
        self._awards: dict[tuple[str, str], Award] = {}

    def event(self, event_id: str, event: Event, decisions: str) -> None:
        """The learner's next event."""
        while self._by_hand and self._by_hand[-1].reversal_id < event_id:
            self._reverse_by_hand(self._by_hand.pop())
        place = self._book.place(event.occurred_at, event.properties.get("course_id"))
        self._rank_then = self._rank
        made = decode_decisions(decisions) if decisions != _NO_DECISIONS else ()
        for one in made:
            if one.detail.rank is not None:
                self._rank_then = Rank(one.detail.rank.name or "", 0, one.detail.rank.factor)
        self._boost = _boost(made)
        if event_id in self._watched:
            # An event that was decided anew doesn't name its earlier entries any more: those don't count.
            self._places.update((one.detail.entry_id, place) for one in made if one.outcome == "awarded")
        event = as_read(event)
        statement = self._stated(event)
        given = self._given(made, event, place) if made else _NONE
        suspended = any(one.outcome == "suspended" for one in made) if made else not self._active
        key = None
        state_order: _StateOrder = "latest"
        if statement is not None and not suspended:
            key = (event.source, statement.subject)
            state_order = self._state(key, event, statement, made)
            if statement.state == "reopened":
                self._withdraw(key, place, state_order == "latest")
            elif state_order == "earlier_run":
                key = None  # about which nobody asks any more
            if (
                state_order in ("overtaken", "earlier_run")
                and statement.state == "reopened"
                and not (given and self._trust)
            ):
                # A withdrawal behind which the module was completed again isn't decided about.
                self._count_silent(given, _NO_RULES)
                return
        self._judge(event_id, event, given, place, suspended, state_order == "withdrawn", key)

    def end(self) -> list[Addition]:
        """Close the learner's account; what the candidates give beyond what was given, if that is asked."""
        while self._by_hand:
            self._reverse_by_hand(self._by_hand.pop())
        self._book.learner(self._learner_id, self._points, self._touched)
        return [Addition(*award.key, award.points) for award in self._gains if award.live]

    # ---- what was given ------------------------------------------------------------------------------------

    def _given(self, made: Iterable[StoredDecision], event: Event, place: Place) -> dict[str, Given]:
        """What each rule gave for the event; what the event took back is booked."""
        undone: set[str | None] = set()
        given: dict[str, Given] = {}
        for decision in made:
            if decision.outcome == "reversed":
                if decision.detail.batch is not None:
                    undone.add(decision.detail.reverses)
                elif _takes_back(decision):
                    self._take_back_given(decision, place)
        for decision in made:
            if decision.outcome == "awarded" and decision.points == 0:
                self._made.add(decision.detail.made)
            rule_id, outcome = decision.rule_id, decision.outcome
            if outcome == "reversed" or (undone and decision.detail.entry_id in undone):
                continue
            before = given.get(rule_id)
            if before is None:
                given[rule_id] = Given(outcome, decision.points, decision.rule_version, decision.detail.made)
            else:
                # An award that was added later to what the event's own decision gave.
                before.points += decision.points
                before.version = decision.rule_version
                if outcome == "awarded":
                    before.outcome = outcome
        book = self._book
        for rule_id, one in given.items():
            sums = book.rule(rule_id)
            outcome = one.outcome
            counts = sums.decisions_current
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome == "awarded":
                sums.awards_current += 1
                if one.points:
                    self._move_current(sums, place, one.points)
            if rule_id not in self._tried:
                counts = sums.decisions_candidate
                counts[outcome] = counts.get(outcome, 0) + 1
                if outcome == "awarded":
                    sums.awards_candidate += 1
                    if one.points:
                        self._move_candidate(sums, place, one.points)
        return given

    def _take_back_given(self, decision: StoredDecision, place: Place) -> None:
        """An award was taken back by the event; from the candidates too if it is from before the period, by a
        rule that isn't tried, or as the candidate gave it. What only candidates gave, `_withdraw` takes."""
        sums = self._book.rule(decision.rule_id)
        sums.decisions_current["reversed"] = sums.decisions_current.get("reversed", 0) + 1
        self._move_current(sums, place, decision.points)
        earlier = self._earlier.pop(decision.detail.reverses or "", None)
        if earlier is not None:
            self._free(*earlier)
        tried = decision.rule_id in self._tried
        # A badge without points from before the period has no entry that would tell of it.
        badge_before = decision.points == 0 and decision.detail.reverses not in self._made
        if earlier is None and tried and not badge_before:
            if not self._trust or decision.rule_id in self._diverged:
                return
            self._taken.add(decision.detail.reverses)
        sums.decisions_candidate["reversed"] = sums.decisions_candidate.get("reversed", 0) + 1
        self._move_candidate(sums, place, decision.points)

    def _reverse_by_hand(self, reversal: StoredReversal) -> None:
        """Somebody took an award back. It counts where the award did, and so it does for the candidates."""
        earlier = self._earlier.pop(reversal.entry_id, None)
        if earlier is not None:
            self._free(*earlier)
            return
        place = self._places.get(reversal.entry_id)
        if place is None:
            return
        sums = self._book.rule(reversal.rule_id)
        self._move_current(sums, place, -reversal.amount)
        if reversal.rule_id not in self._tried:
            self._move_candidate(sums, place, -reversal.amount)
            return
        award = self._awards.get((reversal.event_id, reversal.rule_id))
        if award is None or not award.live:
            return
        taken = reversal.amount if reversal.amount < award.given else award.points
        self._move_candidate(sums, place, -taken)
        award.given -= reversal.amount
        if taken == award.points:
            self._drop(award)
        else:
            # A part that had been added later; the award itself stands.
            award.points -= taken

    # ---- what the candidates give --------------------------------------------------------------------------

    def _judge(
        self,
        event_id: str,
        event: Event,
        given: Mapping[str, Given],
        place: Place,
        suspended: bool,
        withdrawn: bool,
        key: tuple[str, str] | None,
    ) -> None:
        book, learner_id = self._book, self._learner_id
        anew = self._decided_anew(event_id, event, given, suspended, withdrawn)
        boost = _boost_anew(anew) if anew else self._boost
        for rule in self._hearing(event, given):
            rule_id = rule.rule_id
            was = given.get(rule_id)
            outcome: str
            decision = anew.get(rule_id)
            trusted = decision is None
            if decision is not None:
                outcome, points, marks = decision.outcome, decision.points, decision.marks
            elif was is not None:
                outcome, points, marks = was.outcome, was.points, None
            else:
                continue
            sums = book.rule(rule_id)
            counts = sums.decisions_candidate
            counts[outcome] = counts.get(outcome, 0) + 1
            before = was.points if was is not None else 0
            if not trusted and (
                points != before or (outcome == "awarded") != (was is not None and was.outcome == "awarded")
            ):
                self._diverge(sums)
            attempt: Attempt | None = None
            if rule.is_best and outcome in ATTEMPTED:
                attempt = Attempt(event_id, event, rule, key, place, boost, outcome, None)
                self._attempts.note(attempt)
            if outcome != "awarded":
                continue
            sums.awards_candidate += 1
            if points:
                self._move_candidate(sums, place, points)
            wanted = (self._collect and points > before) or event_id in self._watched
            if marks is not None and key is None and attempt is None and not wanted:
                self._tally.add(learner_id, rule_id, marks, event.occurred_at, points)
                continue
            award = Award(rule, (event_id, rule_id), event, points, was)
            if attempt is not None:
                attempt.award = award
            self._keep(award, marks, key)
        if given and self._candidates is not None:
            self._count_silent(given, self._ids_hearing(event.event))

    def _hearing(self, event: Event, given: Mapping[str, Given]) -> Sequence[CompiledRule]:
        """The rules that judge the event."""
        if self._candidates is not None:
            return self._candidates.triggered(event.event)
        versions = self._versions
        found = [
            rule
            for rule_id, one in given.items()
            if (rule := versions.get((rule_id, one.version))) is not None
        ]
        return sorted(found, key=lambda rule: rule.multiplier is None) if len(found) > 1 else found

    def _decided_anew(
        self, event_id: str, event: Event, given: Mapping[str, Given], suspended: bool, withdrawn: bool
    ) -> dict[str, Decision]:
        """By rule, the decisions that can't be taken over as they were made."""
        heard = self._hearing(event, given)
        if self._trust:
            judged = [rule for rule in heard if not self._is_taken_over(rule, event_id, given)]
            if len(judged) < len(heard) and any(rule.multiplier is not None for rule in heard) and judged:
                # What one rule multiplies, another gives: all are judged together.
                judged = list(heard)
        else:
            judged = list(heard)
        if not judged:
            return {}
        if suspended:
            return {rule.rule_id: Decision.without_points(rule, "suspended") for rule in judged}
        if withdrawn:
            return {
                rule.rule_id: Decision.without_points(rule, "condition_not_met", {"reason": WITHDRAWN_LATER})
                for rule in judged
            }
        for rule in judged:
            if rule.rule_id in self._pending:
                self._count_pending(rule.rule_id)
        decided = judge(
            [(rule, rule.consider(event)) for rule in judged],
            partial(self._tally.reader, self._learner_id),
            self._rank_then,
        )
        return {decision.rule_id: decision for decision in decided}

    def _is_taken_over(self, rule: CompiledRule, event_id: str, given: Mapping[str, Given]) -> bool:
        was = given.get(rule.rule_id)
        return self._was_silent(rule, event_id) if was is None else self._is_decided_by(rule, was.version)

    def _is_decided_by(self, rule: CompiledRule, version: int) -> bool:
        """Whether this very rule decided, in whatever version, and gave the learner the same until now."""
        if rule.rule_id in self._diverged:
            return False
        key = (rule.rule_id, version)
        same = self._same.get(key)
        if same is None:
            then = self._versions.get(key)
            same = self._same[key] = then is not None and meaning(then) == meaning(rule)
        return same

    def _was_silent(self, rule: CompiledRule, event_id: str) -> bool:
        """Whether this very rule was in force and decided nothing, as for a withdrawal that was overtaken."""
        versions = self._in_force.get(rule.rule_id)
        if not versions:
            return False
        time_ms = int(event_id[:8] + event_id[9:13], 16)
        version = next((version for since_ms, version in versions if since_ms < time_ms), None)
        return version is not None and self._is_decided_by(rule, version)

    def _count_silent(self, given: Mapping[str, Given], hearing: frozenset[str]) -> None:
        """Candidates that don't judge an event for which they had given something."""
        for rule_id, one in given.items():
            if one.outcome == "awarded" and rule_id in self._tried and rule_id not in hearing:
                self._diverge(self._book.rule(rule_id))

    def _ids_hearing(self, event: str) -> frozenset[str]:
        ids = self._hearing_ids.get(event)
        if ids is None:
            heard = () if self._candidates is None else self._candidates.triggered(event)
            ids = self._hearing_ids[event] = frozenset(rule.rule_id for rule in heard)
        return ids

    def _diverge(self, sums: RuleSums) -> None:
        sums.events_changed += 1
        self._touched = True
        self._diverged.add(sums.rule_id)

    def _keep(self, award: Award, marks: tuple[str, ...] | None, key: tuple[str, str] | None) -> None:
        """Remember an award that may be taken back, added or counted later."""
        rule_id = award.rule.rule_id
        if marks is None and award.entry_id is not None and award.entry_id in self._taken:
            # Taken back by an event that came first, but was run again later.
            award.live = False
            return
        if marks is None:
            self._pending.setdefault(rule_id, []).append(award)
        else:
            award.marks = marks
            self._tally.add(self._learner_id, rule_id, marks, award.event.occurred_at, award.points)
        counts = award.rule.multiplier is None and (bool(marks) or award.entry_id is not None)
        if key is not None and (award.points > 0 or award.rule.badge is not None or counts):
            self._earned.setdefault(key, []).append(award)
        if award.key[0] in self._watched:
            self._awards[award.key] = award
        if self._collect and award.points > award.given:
            self._gains.append(award)

    def _count_pending(self, rule_id: str) -> None:
        """Count awards that were taken over as they were decided, because one is judged now."""
        for award in self._pending.pop(rule_id):
            if award.live:
                award.marks = award.rule.marks(award.event)
                self._tally.add(self._learner_id, rule_id, award.marks, award.event.occurred_at, award.points)

    # ---- completions, and what is taken back ---------------------------------------------------------------

    def _state(
        self,
        key: tuple[str, str],
        event: Event,
        statement: Statement,
        made: Iterable[StoredDecision],
    ) -> _StateOrder:
        """Where the event stands among the statements about its subject. What the completion of a module
        earned stays when its course begins anew."""
        if any(one.detail.reason == WITHDRAWN_LATER for one in made):
            return "withdrawn"
        state = self._states.get(key)
        if state is not None and is_module(statement):
            since, until = self._resets.run(event.source, event.properties, event.occurred_at)
            if until is not None and state[0] >= until:
                return "earlier_run"
            if since is not None and state[0] < since:
                self._earned.pop(key, None)
        if state is not None and state[:2] > (event.occurred_at, event.sequence):
            return "withdrawn" if state[2] == "reopened" else "overtaken"
        self._states[key] = (event.occurred_at, event.sequence, statement.state)
        return "latest"

    def _withdraw(self, key: tuple[str, str], place: Place, is_latest: bool) -> None:
        """Take back what a completion had earned: what was given, if it was really taken back; what only the
        candidates give, if the withdrawal is the latest statement."""
        earned = self._earned.get(key)
        if not earned:
            return
        kept, lost = [], []
        for award in earned:
            rule_id = award.rule.rule_id
            if not award.live:
                continue
            if self._trust and rule_id not in self._diverged:
                if award.entry_id in self._taken:
                    self._drop(award)
                else:
                    kept.append(award)
            elif is_latest:
                sums = self._book.rule(rule_id)
                counts = sums.decisions_candidate
                counts["reversed"] = counts.get("reversed", 0) + 1
                self._move_candidate(sums, place, -award.points)
                self._drop(award)
                lost.append(award)
            else:
                kept.append(award)
        self._earned[key] = kept
        for award in lost:
            if award.rule.is_best:
                self._restore_best(award)

    def _restore_best(self, lost: Award) -> None:
        """Give what the best attempt that is left is worth. What only was as given is restored by what was
        given, since the event that was decided again says so itself."""
        rule_id = lost.rule.rule_id
        if rule_id in self._pending:
            self._count_pending(rule_id)
        probe, attempts = self._attempts.beside(lost)
        for one in attempts:
            read = self._tally.reader(self._learner_id, rule_id)
            found = NOTHING if probe is None else read(probe)
            if found.awards and one.worth() <= found.points:
                return
            own, case = one.award, one.case()
            if case is None or (one.withdrawn and own is None) or (own is not None and not own.live):
                continue
            if own is not None:
                self._uncount(own)
            decision = case.decide(self._tally.reader(self._learner_id, rule_id), one.boost)
            before = own.points if own is not None else 0
            if decision.outcome != "awarded" or (own is not None and decision.points <= before):
                if own is not None:
                    self._count(own)
                continue
            self._give_again(one, decision, before)
            return

    def _give_again(self, attempt: Attempt, decision: Decision, before: int) -> None:
        sums = self._book.rule(decision.rule_id)
        self._move_candidate(sums, attempt.place, decision.points - before)
        award = attempt.award
        if award is None:
            counts = sums.decisions_candidate
            counts[attempt.outcome] = counts.get(attempt.outcome, 0) - 1
            counts["awarded"] = counts.get("awarded", 0) + 1
            sums.awards_candidate += 1
            award = Award(attempt.rule, (attempt.event_id, decision.rule_id), attempt.event, 0, None)
            attempt.award, attempt.outcome = award, "awarded"
            award.points = decision.points
            self._keep(award, decision.marks, attempt.key)
            return
        award.points, award.marks = decision.points, decision.marks
        self._count(award)
        if self._collect and award.points > award.given and award not in self._gains:
            self._gains.append(award)

    def _drop(self, award: Award) -> None:
        award.live = False
        self._uncount(award)

    def _uncount(self, award: Award) -> None:
        if award.marks is not None:
            self._tally.remove(
                self._learner_id,
                award.rule.rule_id,
                award.marks,
                award.event.occurred_at,
                award.points,
            )

    def _count(self, award: Award) -> None:
        if award.marks is not None:
            self._tally.add(
                self._learner_id, award.rule.rule_id, award.marks, award.event.occurred_at, award.points
            )

    def _free(self, reversal: StoredReversal, marks: tuple[str, ...]) -> None:
        if reversal.event is not None:
            self._tally.remove(
                self._learner_id, reversal.rule_id, marks, reversal.event.occurred_at, reversal.amount
            )

    def _marks(self, reversal: StoredReversal) -> tuple[str, ...]:
        rule = self._versions.get((reversal.rule_id, reversal.rule_version))
        return () if rule is None or reversal.event is None else rule.marks(reversal.event)

    def _move_current(self, sums: RuleSums, place: Place, points: int) -> None:
        sums.points.current += points
        self._points.current += points
        place[0].current += points
        place[1].current += points

    def _move_candidate(self, sums: RuleSums, place: Place, points: int) -> None:
        sums.points.candidate += points
        self._points.candidate += points
        place[0].candidate += points
        place[1].candidate += points


def _boost(made: Iterable[StoredDecision]) -> Boost | None:
    """What multiplied an event's points, as its decisions say."""
    factors = [
        Factor(one.rule_id, one.rule_version, one.detail.multiplies.factor)
        for one in made
        if one.outcome == "awarded" and one.detail.multiplies is not None
    ]
    return Boost(factors) if factors else None


def _boost_anew(decided: Mapping[str, Decision]) -> Boost | None:
    factors = [
        Factor(one.rule_id, one.rule_version, one.detail["multiplies"]["factor"])
        for one in decided.values()
        if one.outcome == "awarded" and "multiplies" in one.detail
    ]
    return Boost(factors) if factors else None


def _takes_back(decision: StoredDecision) -> bool:
    """Whether the event withdrew what another one had earned."""
    detail = decision.detail
    return decision.outcome == "reversed" and detail.batch is None and detail.reason != DECIDED_ANEW


def meaning(rule: CompiledRule) -> dict[str, Any]:
    """What a rule decides by: its canonical form without what is written for people."""
    shown = rule.rule.as_dict()
    for text in ("name", "title", "description"):
        shown.pop(text, None)
    return shown
