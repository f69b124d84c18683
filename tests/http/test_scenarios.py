"""Scenarios worked out by hand: who gets what, why, and what is left of it in the end.

They are data under `tests/fixtures/scenarios/`. A scenario has a time zone, rules (or `default`) and steps,
each of which does one thing and says what has to come of it:

- `send`: an event of `user` (anna where nobody is named) at `at`, with the properties `with`. `id` is the
  caller's id; a new one where it is left out, none where it is null. Then `gives` (points), `says` (the
  outcome of rules), `because` (what their details have), `badges` and `status`;
- `award`, `deduct`: points by hand; `refused` names the error;
- `reverse: last`: the latest entry of the learner is reversed;
- `merge`: a learner becomes one with `into`; `suspend`, `activate`: a learner's status;
- `balances` and `held` (badges) of learners.

After the last step the ledger has to add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocket_server.rules import templates
from rocket_server.rules.parse import parse_rules
from support.organisation import Organisation

FOLDER = Path(__file__).parent.parent / "fixtures" / "scenarios"
_ids = count(1)


def scenarios() -> Iterator[Any]:
    """Every scenario, named by its file and itself."""
    for file in sorted(FOLDER.glob("*.yaml")):
        for scenario in yaml.safe_load(file.read_text()):
            yield pytest.param(scenario, id=f"{file.stem}: {scenario['name']}")


def test_there_are_forty():
    """Enough to cover what is promised, each under a name of its own."""
    names = [parameter.id for parameter in scenarios()]
    assert len(names) == len(set(names)) >= 40


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_scenario(scenario, make_organisation, adds_up):
    """What a person worked out is what the server does."""
    rules = scenario["rules"]
    if rules == "default":
        rules = templates.default_rules()
    elif rules:
        rules = parse_rules(rules)
    organisation = make_organisation(timezone=scenario["timezone"], rules=rules)
    for number, step in enumerate(scenario["steps"], 1):
        try:
            take(organisation, dict(step))
        except AssertionError as error:
            raise AssertionError(f"step {number}, {step}: {error}") from error
    adds_up(organisation)


def take(organisation: Organisation, step: dict[str, Any]) -> None:
    """Do what a step says, and check what it expects; a word that isn't known is a mistake in the data."""
    user_id = step.pop("user", "anna")
    if "send" in step:
        send(organisation, user_id, step)
    elif "award" in step or "deduct" in step:
        move(organisation, user_id, step)
    elif step.pop("reverse", None):
        entry = organisation.api.get(f"/v1/users/{user_id}/ledger", limit=1).json()["entries"][0]
        answer = organisation.api.post(
            "/v1/points/reverse", {"entry_id": entry["entry_id"], "reason": "mistake"}
        )
        assert answer.status_code == 200, answer.text
    elif "merge" in step:
        answer = organisation.api.post(f"/v1/users/{step.pop('into')}/merge", {"from": step.pop("merge")})
        assert answer.status_code == 200, answer.text
    elif "suspend" in step or "activate" in step:
        status = "suspended" if "suspend" in step else "active"
        answer = organisation.api.patch(f"/v1/users/{step.popitem()[1]}", {"status": status})
        assert answer.status_code == 200, answer.text
    for user_id, points in step.pop("balances", {}).items():
        assert organisation.api.points(user_id) == points, user_id
    for user_id, badges in step.pop("held", {}).items():
        held = organisation.api.get(f"/v1/users/{user_id}/badges").json()["badges"]
        assert sorted(badge["badge_id"] for badge in held) == badges, user_id
    assert not step, f"unknown: {sorted(step)}"


def send(organisation: Organisation, user_id: str, step: dict[str, Any]) -> None:
    """Send an event and compare the answer."""
    sent = {"timestamp": step.pop("at"), "properties": step.pop("with", {})}
    event_id = step.pop("id", f"scenario-{next(_ids)}")
    if event_id is not None:
        sent["event_id"] = event_id
    answer = organisation.api.event(step.pop("send"), user_id, **sent)
    assert answer["status"] == step.pop("status", "processed"), answer
    if "gives" in step:
        assert answer["points_awarded"] == step.pop("gives"), answer
    if "badges" in step:
        assert answer["badges"] == step.pop("badges"), answer
    wanted, details = step.pop("says", {}), step.pop("because", {})
    if not wanted and not details:
        return
    decisions = {found["rule_id"]: found for found in organisation.api.read(answer["event_id"])["decisions"]}
    assert {rule: decisions[rule]["outcome"] for rule in wanted} == wanted
    for rule, detail in details.items():
        seen = decisions[rule]["detail"]
        assert {name: seen.get(name) for name in detail} == detail


def move(organisation: Organisation, user_id: str, step: dict[str, Any]) -> None:
    """Award or deduct points by hand."""
    kind = "award" if "award" in step else "deduct"
    answer = organisation.api.post(
        f"/v1/points/{kind}", {"user_id": user_id, "points": step.pop(kind), "reason": "by hand"}
    )
    if "refused" in step:
        assert answer.json()["error"] == step.pop("refused")
    else:
        assert answer.status_code == 200, answer.text
