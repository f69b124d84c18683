"""Chooses a test's questions by its rules, each question once; the same seed chooses the same."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from rocket_server.assessments.model import ZERO, number
from rocket_server.assessments.order import shuffled, shuffled_by_weight
from rocket_server.assessments.rules import MAX_POOL, MAX_QUESTIONS, Candidate, Rule, reasons

MAX_RULES: Final = 50  # of one test


class TooMuch(ValueError):
    """More rules, questions or candidates than one test may have. The message says which bound."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one rule got. `found` counts what matches it, before other rules took some."""

    rule: Rule
    found: int
    question_ids: tuple[str, ...]
    # For a rule that came out short: what would match without one of its criteria, by its name.
    without: tuple[tuple[str, int], ...] = ()

    @property
    def lacking(self) -> int:
        return max(self.rule.count - len(self.question_ids), 0)

    def why(self) -> str | None:
        """What is lacking, in a sentence; None where nothing is."""
        if not self.lacking:
            return None
        if self.found < self.rule.count:
            looser = "".join(f"; without {name} it would find {count}" for name, count in self.without)
            return f"needs {self.rule.count} questions and finds {self.found}{looser}"
        return (
            f"needs {self.rule.count} questions and finds {self.found}, of which other rules need all but "
            f"{len(self.question_ids)}"
        )


def choose(
    rules: Iterable[Rule], candidates: Sequence[Candidate], seed: str, *, pools: bool = False
) -> list[Chosen]:
    """Questions for each active rule, by priority (the lowest number first).

    `candidates` are published questions in the order of the bank, which `sequential` keeps. `random` takes
    any, `weighted` rather those that stand in fewer tests: with a weight of 1 / (1 + times used). With
    `pools` each rule gets its whole pool instead of the questions of one attempt.

    A question is chosen once. Where an earlier rule took what a later one needs, and could do with another,
    it gives way, so that a rule comes out short only if no choice would suit all of them. Raises TooMuch.
    """
    ordered = sorted((rule for rule in rules if rule.is_active), key=lambda rule: (rule.priority, rule.id))
    _check_bounds(ordered, candidates)
    matching = [_in_order(rule, candidates, seed) for rule in ordered]
    held = _share_out(matching, [rule.count for rule in ordered])
    if pools:
        _fill_pools(ordered, matching, held)
    return [
        Chosen(
            rule,
            len(ids),
            tuple(one for one in ids if one in mine),
            _without(rule, candidates) if len(mine) < rule.count else (),
        )
        for rule, ids, mine in zip(ordered, matching, held, strict=True)
    ]


def bounded(
    rules: Iterable[Rule], candidates: Sequence[Candidate], chosen: Iterable[Chosen], seed: str, most: int
) -> list[str]:
    """At most `most` of the candidates, in their order, from which the rules still get all that they need:
    what was chosen for them, and by turns what each of them would take next."""
    known = {candidate.id for candidate in candidates}
    kept = {one for each in chosen for one in each.question_ids if one in known}
    turns = zip_longest(*(_in_order(rule, candidates, seed) for rule in rules))
    for one in (one for turn in turns for one in turn if one is not None):
        if len(kept) >= most:
            break
        kept.add(one)
    return [candidate.id for candidate in candidates if candidate.id in kept]


def draw(rule: Rule, pool: Sequence[str], seed: str) -> list[str]:
    """The questions of one attempt from a rule's preselected pool, whose order `sequential` keeps."""
    if rule.strategy == "sequential":
        return list(pool[: rule.count])
    return shuffled(pool, f"{seed}/{rule.id}", lambda one: one)[: rule.count]


def preview(chosen: Sequence[Chosen], candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Whether the pool suffices, what each rule finds, and why one lacks something."""
    known = {candidate.id: candidate for candidate in candidates}
    picked = [known[one] for each in chosen for one in each.question_ids]
    return {
        "sufficient": not any(each.lacking for each in chosen),
        "rules": [
            {
                "ruleId": each.rule.id,
                "name": each.rule.name,
                "numberOfQuestions": each.rule.count,
                "matching": each.found,
                "chosen": len(each.question_ids),
                "lacking": each.lacking,
                "reason": each.why(),
                "questionIds": list(each.question_ids),
            }
            for each in chosen
        ],
        "metadata": metadata(picked),
    }


def metadata(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """How many questions these are, and how their marks, kinds, levels and categories are spread."""
    total = sum((candidate.marks for candidate in candidates), ZERO)
    return {
        "totalQuestions": len(candidates),
        "totalMarks": number(total),
        "marksDistribution": dict(Counter(str(number(candidate.marks)) for candidate in candidates)),
        "averageMarks": round(float(total) / len(candidates), 2) if candidates else 0,
        "questionTypes": dict(Counter(candidate.kind for candidate in candidates)),
        "difficultyLevels": dict(Counter(candidate.level for candidate in candidates)),
        "categories": dict(
            Counter(candidate.category_id for candidate in candidates if candidate.category_id)
        ),
    }


def _check_bounds(rules: Sequence[Rule], candidates: Sequence[Candidate]) -> None:
    if len(rules) > MAX_RULES:
        raise TooMuch(f"a test has at most {MAX_RULES} active rules, this one has {len(rules)}")
    wanted = sum(rule.count for rule in rules)
    if wanted > MAX_QUESTIONS:
        raise TooMuch(f"rules choose at most {MAX_QUESTIONS} questions, these would choose {wanted}")
    if len(candidates) > MAX_POOL:
        raise TooMuch(f"rules choose among at most {MAX_POOL} questions, there are {len(candidates)}")


def _in_order(rule: Rule, candidates: Iterable[Candidate], seed: str) -> list[str]:
    """The ids of all that match, those first that the rule prefers."""
    found = [candidate for candidate in candidates if not reasons(rule, candidate)]
    own_seed = f"{seed}/{rule.id}"
    if rule.strategy == "random":
        found = shuffled(found, own_seed, lambda one: one.id)
    elif rule.strategy == "weighted":
        found = shuffled_by_weight(
            found, own_seed, lambda one: one.id, lambda one: 1 / (1 + max(one.times_used, 0))
        )
    return [candidate.id for candidate in found]


def _without(rule: Rule, candidates: Iterable[Candidate]) -> tuple[tuple[str, int], ...]:
    """How many would match if one criterion fell, for each that keeps something out on its own."""
    unmet = [reasons(rule, candidate) for candidate in candidates]
    matching = sum(1 for names in unmet if not names)
    alone = Counter(names[0] for names in unmet if len(names) == 1)
    return tuple((name, matching + count) for name, count in sorted(alone.items()))


def _share_out(matching: Sequence[list[str]], wanted: Sequence[int]) -> list[set[str]]:
    """A largest possible choice: augmenting paths from rule to rule, as in maximum flow (Ford, Fulkerson)."""
    held: list[set[str]] = [set() for _ in matching]
    owner: dict[str, int] = {}
    fits = [frozenset(ids) for ids in matching]
    # What each rule would take next: everything before it in its order is taken.
    unused = [deque(ids) for ids in matching]

    def next_unused(rule: int) -> str | None:
        while unused[rule] and unused[rule][0] in owner:
            unused[rule].popleft()
        return unused[rule][0] if unused[rule] else None

    def take(rule: int, question: str) -> None:
        held[rule].add(question)
        owner[question] = rule

    for start, number_wanted in enumerate(wanted):
        while len(held[start]) < number_wanted:
            path = _path(start, held, fits, next_unused)
            if path is None:
                break
            # The last rule takes what is unused; each before it takes what the one after it gave up.
            for rule, question in reversed(path):
                previous = owner.get(question)
                if previous is not None:
                    held[previous].discard(question)
                take(rule, question)
    return held


def _fill_pools(rules: Sequence[Rule], matching: Sequence[list[str]], held: Sequence[set[str]]) -> None:
    """What is left goes to the pools, by priority, once every rule has what it needs."""
    taken = set().union(*held)
    for rule, ids, mine in zip(rules, matching, held, strict=True):
        for one in ids:
            if len(mine) >= rule.pool_size:
                break
            if one not in taken:
                mine.add(one)
                taken.add(one)


def _path(
    start: int,
    held: Sequence[set[str]],
    fits: Sequence[frozenset[str]],
    next_unused: Callable[[int], str | None],
) -> list[tuple[int, str]] | None:
    """Rules from `start` on, each with the question that it takes; the last one takes an unused question."""
    came: dict[int, tuple[int, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        rule = waiting.popleft()
        free = next_unused(rule)
        if free is not None:
            path = [(rule, free)]
            step = came[rule]
            while step is not None:
                path.append(step)
                step = came[step[0]]
            return path[::-1]
        for other, theirs in enumerate(held):
            if other not in came:
                given = sorted(theirs & fits[rule])
                if given:
                    came[other] = (rule, given[0])
                    waiting.append(other)
    return None
