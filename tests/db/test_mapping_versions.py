"""Rules that sources' mappings make: their versions, what decisions name, and what the proof finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.fixtures import MakeOrganisation, Owner, Verify
from support.organisation import Organisation

TEA = "\\local_kitchen\\event\\tea_drunk"
RULE = "mapping:moodle:local_kitchen.event.tea_drunk"


@pytest.fixture
def organisation(make_organisation: MakeOrganisation) -> Organisation:
    """An organisation without rules of its own, whose source gives five points for a cup of tea."""
    made = make_organisation(rules=[])
    give(made, 5)
    return made


def give(organisation: Organisation, points: int | None, **other: Any) -> None:
    """Let the mapping give other points, or None."""
    means = {"event": "tea.drunk", "learner": "userid", "once_per": "event", **other}
    mapping = means if points is None else means | {"points": points}
    path = f"/v1/sources/{organisation.moodle.source_id}"
    answer = organisation.api.patch(path, {"mappings": {TEA: mapping}})
    assert answer.status_code == 200, answer.text


def drink(organisation: Organisation, number: int) -> tuple[int, int]:
    """One more cup: the version that decided, and the points."""
    body = {"eventname": TEA, "id": number, "timecreated": 1772442000 + number, "userid": "9"}
    answer = organisation.hook(json.dumps(body))
    assert answer.status_code == 200, answer.text
    (decision,) = organisation.api.read(answer.json()["event_id"])["decisions"]
    assert decision["rule_id"] == RULE
    return decision["rule_version"], decision["points"]


def versions(organisation: Organisation) -> list[tuple[int, Any, bool]]:
    """The versions that are kept, the latest first: number, points, withdrawn."""
    page = organisation.api.get(f"/v1/rules/{RULE}/versions").json()
    return [
        (one["version"], one["rule"]["actions"]["award_points"], one["withdrawn"]) for one in page["versions"]
    ]


def test_decisions_name_the_version_that_awarded(organisation, verified: Verify):
    """A mapping that gives other points is a new version of its rule; each decision names the one of then,
    and all of it adds up."""
    assert drink(organisation, 1) == (1, 5)
    give(organisation, 7)
    assert drink(organisation, 2) == (2, 7)
    give(organisation, 5)
    assert drink(organisation, 3) == (3, 5)
    assert versions(organisation) == [(3, 5, False), (2, 7, False), (1, 5, False)]
    assert verified(organisation.organisation_id) == []


def test_what_changes_nothing_makes_no_version(organisation):
    """Neither the same mapping again nor one more for another event makes a new version."""
    give(organisation, 5)
    other = {"event": "soup.eaten", "learner": "userid", "once_per": "event", "points": 1}
    answer = organisation.api.patch(
        f"/v1/sources/{organisation.moodle.source_id}",
        {
            "mappings": {
                TEA: {"event": "tea.drunk", "learner": "userid", "once_per": "event", "points": 5},
                "\\local_kitchen\\event\\soup_eaten": other,
            }
        },
    )
    assert answer.status_code == 200, answer.text
    assert versions(organisation) == [(1, 5, False)]


def test_a_mapping_without_points_withdraws_its_rule(organisation, verified: Verify):
    """Where a mapping gives nothing any more, its rule is withdrawn; its id and numbers go on when it gives
    again."""
    assert drink(organisation, 1) == (1, 5)
    give(organisation, None)
    assert organisation.api.get("/v1/rules").json()["rules"] == []
    give(organisation, 5)
    assert drink(organisation, 2) == (3, 5)
    assert versions(organisation) == [(3, 5, False), (2, 5, True), (1, 5, False)]
    assert verified(organisation.organisation_id) == []


def test_own_rules_dont_touch_those_of_mappings(organisation):
    """A set of rules that lets no others stay is about the organisation's own."""
    rule = {"rule_id": "own", "trigger": "forum.posted", "actions": {"award_points": 1}}
    answer = organisation.api.request("PUT", "/v1/rules?prune=true", json={"rules": [rule]})
    assert (answer.status_code, answer.json()["withdrawn"]) == (200, [])
    shown = organisation.api.get("/v1/rules").json()["rules"]
    assert sorted(one["rule_id"] for one in shown) == [RULE, "own"]
    assert organisation.api.get(f"/v1/rules/{RULE}").json()["version"] == 1


def test_rules_from_before_versions_were_kept(organisation, verified: Verify, owner: Owner):
    """An installation that is brought up to date has mappings and no versions of their rules. The next event
    keeps one; what was awarded before names version 1 too, isn't judged by it, and adds up as before."""
    assert drink(organisation, 1) == (1, 5)
    owner.execute("DELETE FROM rules WHERE organisation_id = $1", organisation.organisation_id)
    owner.execute(
        "UPDATE sources SET mappings = jsonb_set(mappings, ARRAY[$2, 'points'], '8')"
        " WHERE organisation_id = $1",
        organisation.organisation_id,
        TEA,
    )
    owner.execute(
        "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    (shown,) = organisation.api.get("/v1/rules").json()["rules"]
    assert (shown["version"], shown["created_at"], shown["actions"]["award_points"]) == (1, None, 8)
    assert organisation.api.get(f"/v1/rules/{RULE}").json()["created_at"] is None
    assert drink(organisation, 2) == (1, 8)
    assert drink(organisation, 3) == (1, 8)
    assert versions(organisation) == [(1, 8, False)]
    assert verified(organisation.organisation_id) == []


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{actions,award_points}', '6')"
            " WHERE organisation_id = $1 AND version = 2",
            f"was given 7 points that {RULE} doesn't give",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{constraints,max_per_day}', '1')"
            " WHERE organisation_id = $1 AND version = 1",
            "is counted under [], should be under ['']",
        ),
    ],
)
def test_wrong_awards_of_mappings_are_found(
    organisation, verified: Verify, owner: Owner, tampering: str, words: str
):
    """An award that isn't what the mapping gave at that time is found, though it gives something else now."""
    drink(organisation, 1)
    give(organisation, 7)
    drink(organisation, 2)
    give(organisation, 9)
    owner.execute(tampering, organisation.organisation_id)
    found = verified(organisation.organisation_id)
    assert len(found) == 1
    assert words in found[0].message
