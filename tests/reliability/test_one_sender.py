"""R13: while one client does the worst that its key, or no key, allows, everybody else goes on.

Each attack runs in a process of its own, and for some seconds. What has to hold everywhere is
asserted: the bystander is answered, and each request of the attacker's ends as it may; memory and descriptors
stay bounded. How soon the bystander is answered is printed (`pytest -s`), and measured by `rocket bench r13`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks.attacks.bystander import HEAD
from benchmarks.attacks.field import DESCRIPTORS, Field, open_field
from benchmarks.attacks.kinds import ATTACKS, Attack

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    """A server with two organisations of which one attacks."""
    with open_field() as made:
        print(f"\n{HEAD}")
        yield made


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_others_go_on(field: Field, attack: Attack) -> None:
    """The bystander has an answer to everything, and the server neither grows without bound nor ends."""
    seen = field.suffer(attack)
    print(f"\n{seen.row(attack.name)}")

    assert len(seen.latencies_s) > 20, "the bystander hardly got to ask"
    assert seen.errors == []
    assert attack.fills_address or seen.errors_behind == []
    assert set(seen.endings) <= attack.endings
    assert seen.memory_most_mib - seen.memory_before_mib < attack.memory_mib
    assert seen.descriptors_most < DESCRIPTORS
