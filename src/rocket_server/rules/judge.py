"""All rules about one event, decided together: multipliers first, then what they multiply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from rocket_server.organisations.settings import Rank
from rocket_server.rules.boost import Boost, Factor, plain_number
from rocket_server.rules.compile import Case, CompiledRule
from rocket_server.rules.evaluate import Decision, ReadCount
from rocket_server.rules.model import ByRank

# A rule that an event triggers, and what it says of the event alone: settled, or a case to count for.
Considered = tuple[CompiledRule, Decision | Case]

# Why a multiplier whose conditions are met and whose caps leave room isn't used.
NOTHING_TO_MULTIPLY: Final = "nothing_to_multiply"
RANK_WITHOUT_MULTIPLIER: Final = "rank_without_multiplier"


def judge(
    considered: Iterable[Considered], reader: Callable[[str], ReadCount], rank: Rank | None = None
) -> list[Decision]:
    """What each rule decides, in the order given; `reader` counts for the learner and the rule of that id.

    `rank` is the learner's, for rules that multiply by it; None multiplies by 1. Rules that multiply must
    come first, as `RuleSet.triggered` has them. One that finds nothing to multiply, or whose factor is 1 for
    the learner's rank, isn't used up: its decision is condition_not_met.
    """
    decided: list[Decision] = []
    boost: Boost | None = None
    factors: dict[int, Factor] = {}  # by place in `decided`
    for rule, case in considered:
        if not isinstance(case, Case):
            decided.append(case)
        elif rule.multiplier is None:
            if factors and boost is None:
                boost = Boost(factors.values())
            decided.append(case.decide(reader(rule.rule_id), boost))
        elif isinstance(rule.multiplier, ByRank):
            decision = _by_rank(rule, case, reader, rank)
            if decision.outcome == "awarded":
                factors[len(decided)] = Factor(rule.rule_id, rule.version, decision.detail["rank"]["factor"])
            decided.append(decision)
        else:
            decision = case.decide(reader(rule.rule_id))
            if decision.outcome == "awarded":
                factors[len(decided)] = Factor(rule.rule_id, rule.version, rule.multiplier)
            decided.append(decision)
    if factors:
        _settle(decided, factors)
    return decided


def uses_rank(considered: Iterable[Considered]) -> bool:
    """Whether `judge` needs the learner's rank."""
    return any(isinstance(rule.multiplier, ByRank) and isinstance(case, Case) for rule, case in considered)


def _by_rank(
    rule: CompiledRule, case: Case, reader: Callable[[str], ReadCount], rank: Rank | None
) -> Decision:
    """The decision of a rule that multiplies by rank. It states the rank and its factor, since nobody could
    derive later what they were."""
    stated = {
        "name": None if rank is None else rank.name,
        "factor": plain_number(Decimal(1) if rank is None else Decimal(str(rank.multiplier))),
    }
    if stated["factor"] == 1:
        detail = {"reason": RANK_WITHOUT_MULTIPLIER, "rank": stated}
        return Decision.without_points(rule, "condition_not_met", detail)
    decision = case.decide(reader(rule.rule_id))
    if decision.outcome == "awarded":
        decision.detail["rank"] = stated
    return decision


def _settle(decided: list[Decision], factors: dict[int, Factor]) -> None:
    """Say in each multiplier's decision what it multiplied."""
    boosted = [
        decision.rule_id
        for place, decision in enumerate(decided)
        if place not in factors and decision.outcome == "awarded" and "multiplier" in decision.detail
    ]
    for place, factor in factors.items():
        decision = decided[place]
        if boosted:
            decision.detail["multiplies"] = {"factor": factor.factor, "rules": boosted}
        else:
            detail = {"reason": NOTHING_TO_MULTIPLY}
            if "rank" in decision.detail:
                detail["rank"] = decision.detail["rank"]
            decided[place] = Decision(
                decision.rule_id, decision.rule_version, "condition_not_met", 0, None, detail, ()
            )
