"""R13: how soon everybody else is answered while one client does the worst that it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.attacks.bystander import HEAD
from benchmarks.attacks.field import open_field
from benchmarks.attacks.kinds import ATTACKS
from benchmarks.figures import Check, Report

P99_MS = 250


def run(*, only: Sequence[str] = ("",)) -> dict[str, Any]:
    """The bystander's p99 under each attack, in one server that suffers all of them; `only` are parts of
    names."""
    rows, checks, details = [HEAD], [], {}
    with open_field() as field:
        for attack in (one for one in ATTACKS if any(part in one.name for part in only)):
            seen = field.suffer(attack)
            rows.append(seen.row(attack.name))
            print(rows[-1], flush=True)
            checks.append(Check(f"p99: {attack.name}", seen.percentile_ms(99), "ms", P99_MS, at_least=False))
            details[f"errors: {attack.name}"] = len(seen.errors) + len(seen.errors_behind)
            details[f"most MiB: {attack.name}"] = seen.memory_most_mib
    print("\n".join(["", *rows]))
    return Report(
        "R13",
        "another organisation's single events and /v1/health, on connections old and new, while one client"
        " attacks; one server process under `ulimit -n 1024`; the attacker has a lower priority than all"
        " others, as its processor would be another machine's",
        checks,
        details,
    ).as_dict()
