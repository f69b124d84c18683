"""Tells the SDK's types, for the comparison with the server's OpenAPI document."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

from support.cases import read

from rocket_learning import calls, resources

REPORT = Path(__file__).parents[3] / "build" / "sdks" / "python.types.json"
GROUPS = {
    "events": resources.Events,
    "points": resources.Points,
    "badges": resources.Badges,
    "users": resources.Users,
    "leaderboard": resources.Leaderboards,
    "rules": resources.Rules,
}


def function_of(call: str) -> Any:
    """The function behind a canonical name such as `users.get_balance`."""
    group, _, name = call.rpartition(".")
    return vars(GROUPS[group])[name].make if group else getattr(calls, name)


def paths_in(kind: Any, prefix: str = "") -> Iterator[str]:
    """The dotted paths of a type's fields, `[]` for the items of a list."""
    if is_typeddict(kind):
        for name, inner in get_type_hints(kind).items():
            yield prefix + name
            yield from paths_in(inner, f"{prefix}{name}.")
    for inner in get_args(kind):
        is_list = getattr(kind, "__origin__", None) is list
        if getattr(kind, "__origin__", None) is not dict:
            yield from paths_in(inner, f"{prefix.removesuffix('.')}[]." if is_list else prefix)


def test_every_call_tells_its_types() -> None:
    """Each call of the cases has parameters and an answer whose fields are known."""
    told: dict[str, dict[str, list[str]]] = {}
    for call in dict.fromkeys(case["call"] for case in read("urls")["requests"]):
        function = function_of(call)
        (answer,) = get_args(get_type_hints(function)["return"])
        request = list(inspect.signature(function).parameters)[1:]
        told[call] = {"request": sorted(request), "answer": sorted(set(paths_in(answer)))}
        assert told[call]["answer"], call
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(told, indent=2) + "\n")
    assert "decisions[].rule_id" in told["events.track"]["answer"]
