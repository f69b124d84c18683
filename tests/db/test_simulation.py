"""A simulation gives what happened where rules stay the same, else what would have happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rocket_server.rules import store as rules_store
from rocket_server.rules.model import Rule
from rocket_server.simulation.model import Period, SimulationResult
from rocket_server.simulation.run import Settings, simulate
from support.histories import START, History, Step, lavish_rule_sets, next_millisecond, rule_sets, steps

EVER = Period(START.replace(year=2020))
FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


class Undone(Exception):
    """Rolls back what a history wrote."""


def played(portal, store, work: Callable) -> None:
    """Run `work(conn)` in a transaction that is rolled back."""

    async def run() -> None:
        try:
            async with store.transaction() as conn:
                await work(conn)
                raise Undone
        except Undone:
            pass

    portal.call(run)


def assert_no_difference(outcome: SimulationResult) -> None:
    """Nothing differs for any rule, week, course or learner."""
    assert outcome.points.difference == 0
    assert [one.rule_id for one in outcome.rules if one.points.difference or one.events_changed] == []
    for one in outcome.rules:
        assert one.decisions_current == one.decisions_candidate, one
        assert one.awards_current == one.awards_candidate
    assert [week for week, sums in outcome.weeks if sums.difference] == []
    assert [course for course, sums in outcome.courses if sums.difference] == []
    assert outcome.gaining == outcome.losing == []
    assert outcome.learners_touched == 0


MOST = ("suspend", "resume", "reverse")


@FEW
@given(
    rules=rule_sets | lavish_rule_sets,
    first=steps("rule", *MOST, lavish=True),
    then=steps("rule", *MOST, lavish=True),
)
def test_the_rules_as_they_were_give_what_was_given(
    portal, store, rules: Sequence[Rule], first: list[Step], then: list[Step]
):
    """Every event judged again by the version that decided it gives the same, event by event: with caps,
    multipliers, badges, periods, late events, withdrawn completions, suspensions, reversals and rules that
    change on the way, over the whole history and from its middle on."""

    async def work(conn) -> None:
        history = await History.begin(conn, rules)
        for step in first:
            await history.happen(step)
        later = Period(next_millisecond())
        for step in then:
            await history.happen(step)
        anew = Settings(trust=False)
        whole = await simulate(conn, history.organisation, None, EVER, anew)
        assert_no_difference(whole)
        assert whole.points.current == sum((await history.points_by_rule()).values())
        assert_no_difference(await simulate(conn, history.organisation, None, later, anew))

    played(portal, store, work)


@FEW
@given(rules=rule_sets | lavish_rule_sets, first=steps("retry", *MOST), then=steps("retry", *MOST))
def test_the_same_rules_again_give_nothing(
    portal, store, rules: Sequence[Rule], first: list[Step], then: list[Step]
):
    """The organisation's own rules as candidates differ in nothing, also where events were run again."""

    async def work(conn) -> None:
        history = await History.begin(conn, rules)
        for step in first:
            await history.happen(step)
        later = Period(next_millisecond())
        for step in then:
            await history.happen(step)
        stored = await rules_store.current(conn, history.organisation.organisation_id)
        # A draft would be tried as if it were active.
        now = [one.rule for one in stored if not one.rule.draft]
        for period in (EVER, later):
            assert_no_difference(await simulate(conn, history.organisation, now, period))

    played(portal, store, work)


@FEW
@given(
    rules=rule_sets,
    candidates=rule_sets,
    kept=st.sets(st.integers(0, 2), max_size=2),
    happened=steps("rule"),
)
def test_candidates_give_what_they_would_have_given(
    portal, store, rules: Sequence[Rule], candidates: Sequence[Rule], kept: set[int], happened: list[Step]
):
    """What is simulated for candidates is what an organisation that had them all along really awards to the
    same learners for the same events; rules that aren't tried keep what they gave."""
    tried = [candidate for number, candidate in enumerate(candidates) if number not in kept]
    tried_ids = {one.rule_id for one in tried}

    async def work(conn) -> None:
        history = await History.begin(conn, rules)
        other = await History.begin(conn, [*tried, *(one for one in rules if one.rule_id not in tried_ids)])
        for step in happened:
            await history.happen(step)
            if step.kind != "rule" or step.what.rule_id not in tried_ids:
                await other.happen(step)
        outcome = await simulate(conn, history.organisation, tried, EVER)
        by_rule: dict[str, int] = defaultdict(int)
        by_learner: dict[str, int] = defaultdict(int)
        for (user_id, rule_id), points in (await other.points_by_rule()).items():
            by_rule[rule_id] += points
            by_learner[user_id] += points
        before: dict[str, int] = defaultdict(int)
        for (user_id, _), points in (await history.points_by_rule()).items():
            before[user_id] += points
        assert {one.rule_id: one.points.candidate for one in outcome.rules if one.points.candidate} == {
            rule_id: points for rule_id, points in by_rule.items() if points
        }
        assert outcome.points.current == sum(before.values())
        changed = {one.user_id: one.points.difference for one in (*outcome.gaining, *outcome.losing)}
        assert changed == {
            user_id: by_learner[user_id] - before[user_id]
            for user_id in {*by_learner, *before}
            if by_learner[user_id] != before[user_id]
        }
        assert sum(sums.difference for _, sums in outcome.weeks) == outcome.points.difference
        assert sum(sums.difference for _, sums in outcome.courses) == outcome.points.difference

    played(portal, store, work)
