"""Many rules about one event: those that have nothing to do with it cost little, and no other is missed."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rocket_server.rules.compile import MAX_TOLD, Case, RuleSet
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule
from support import plain_rules

from .helpers import event

VALUES = st.sampled_from(
    ["1", 1, 1.0, True, "true", "0", 0, False, "false", "a", "A", "01", "1.0", 2, "2", "7", 7.5, "7.50", "é"]
)
SEEN = VALUES | st.sampled_from([None, "", ["1"], {"a": 1}])
FIELDS = st.sampled_from(["course_id", "score", "properties.kind", "flag"])
COMPARED = (
    VALUES
    | st.fixed_dictionaries({"in": st.lists(VALUES, min_size=1, max_size=4)})
    | st.fixed_dictionaries({"ne": VALUES})
    | st.fixed_dictionaries({"exists": st.booleans()})
)
CONDITIONS = st.recursive(
    st.dictionaries(FIELDS, COMPARED, min_size=1, max_size=2),
    lambda inner: (
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=5,
)


def rule_set(conditions: list[dict[str, Any]], **parts: Any) -> RuleSet:
    """Rules about completed quizzes, one for each of the conditions."""
    return RuleSet(
        [
            RuleVersion(
                parse_rule(
                    {
                        "rule_id": f"r{number}",
                        "trigger": "quiz.completed",
                        "conditions": each,
                        "actions": {"award_points": 1},
                        **parts,
                    },
                    stored=True,
                ),
                1,
            )
            for number, each in enumerate(conditions)
        ],
        UTC,
    )


def plainly(conditions: dict[str, Any]) -> dict[str, Any]:
    """The same conditions with the short names of fields, as the plain reading has them."""
    return {
        key.removeprefix("properties."): (
            [plainly(one) for one in value]
            if key in ("any", "all")
            else plainly(value)
            if key == "not"
            else value
        )
        for key, value in conditions.items()
    }


@given(
    conditions=st.lists(CONDITIONS, min_size=1, max_size=30),
    properties=st.dictionaries(st.sampled_from(["course_id", "score", "kind", "flag"]), SEEN),
)
def test_the_index_finds_what_asking_all_finds(
    conditions: list[dict[str, Any]], properties: dict[str, Any]
) -> None:
    """The index finds exactly those rules that a plain reading of all of them finds met."""
    many = [*conditions, *({"course_id": f"other {number}"} for number in range(MAX_TOLD + 1))]
    told = [one for one in rule_set(many).consider(event(**properties)) if one is not None]
    assert all(isinstance(case, Case) for _, case in told)
    expected = [
        f"r{number}" for number, each in enumerate(many) if plain_rules.holds(plainly(each), properties)
    ]
    assert [rule.rule_id for rule, _ in told] == expected


def test_few_rules_are_all_asked():
    """Up to fifty rules of one event each say why they give nothing."""
    rules = rule_set([{"course_id": str(number)} for number in range(MAX_TOLD)])
    told = [one for one in rules.consider(event(course_id="7")) if one is not None]
    assert len(told) == MAX_TOLD
    assert [rule.rule_id for rule, case in told if isinstance(case, Case)] == ["r7"]


def test_rules_of_other_courses_are_not_asked():
    """Of 900 rules for as many courses an event asks the one of its own."""
    conditions = [{"course_id": str(number), "module": "quiz"} for number in range(900)]
    rules = rule_set(conditions)
    told = list(rules.consider(event(course_id="77", module="quiz")))
    assert [one[0].rule_id for one in told if one is not None] == ["r77"]
    assert len(told) == 1
    assert rules.weight < 200 < rule_set([{"score": {"gte": number}} for number in range(900)]).weight


def test_multipliers_still_come_first():
    """Rules that the index finds keep their order: those that multiply come before what they multiply."""
    versions = [
        RuleVersion(
            parse_rule(
                {
                    "rule_id": f"r{number}",
                    "trigger": "quiz.completed",
                    "conditions": {"course_id": str(number % 30)},
                    "actions": {"multiplier": 2} if number % 4 == 0 else {"award_points": 1},
                }
            ),
            1,
        )
        for number in range(120)
    ]
    told = [one for one in RuleSet(versions, UTC).consider(event(course_id="8")) if one is not None]
    assert [rule.rule_id for rule, _ in told] == ["r8", "r68", "r38", "r98"]
