"""The whole engine does what a plain model of it does, over random histories and with concurrent writers.

A failure names the seed; `ROCKET_TEST_SEED` plays it again. `ROCKET_TEST_EXAMPLES` makes it longer.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from support.engine_histories import BADGES, Play, Writer
from support.fixtures import MakeOrganisation
from support.organisation import Organisation
from support.plain_engine import PlainEngine
from support.server import Server

pytestmark = pytest.mark.reliability

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "100"))
SEED = os.environ.get("ROCKET_TEST_SEED")
STEPS = 40

Prepared = tuple[Organisation, Organisation]


@pytest.fixture
def prepare(make_organisation: MakeOrganisation, second_server: Server) -> Callable[[], Prepared]:
    """Makes an organisation in Paris with the badges of the histories, and its doors on two servers."""

    def make() -> Prepared:
        organisation = make_organisation(timezone_name="Europe/Paris", rules=[])
        for badge_id in BADGES[3:]:
            answer = organisation.api.post("/v1/badges", {"badge_id": badge_id, "name": badge_id})
            assert answer.status_code == 201, answer.text
        return organisation, organisation.on(second_server)

    return make


def seeds(times: int) -> list[int]:
    """The seed that was asked for, or so many new ones."""
    return [int(SEED)] if SEED else [random.SystemRandom().randrange(2**32) for _ in range(times)]


@contextmanager
def told(seed: int, *plays: Play) -> Iterator[None]:
    """Says of a failure what it takes to see it again."""
    try:
        yield
    except Exception as error:
        steps = "\n".join(line for play in plays for line in play.log)
        raise AssertionError(f"{error}\n\nROCKET_TEST_SEED={seed} plays it again:\n{steps}") from error


def step(play: Play, *more: Callable[[], None]) -> None:
    """One thing happens: mostly events."""
    acts = [play.send] * 12 + [play.by_hand] * 2 + [play.reverse] * 3 + [play.suspend, *more]
    play.rng.choice(acts)()


def test_random_histories(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None]
) -> None:
    """After each of many random steps the server has answered as the model does, and stands as it does."""
    for seed in seeds(max(5, EXAMPLES // 10)):
        doors = prepare()
        play = Play(Writer(random.Random(seed), ("anna", "ben", "carla")), doors, PlainEngine(BADGES))
        with told(seed, play):
            for rule in play.writer.rules():
                again = play.writer.badge_rule if rule["rule_id"].startswith("b") else play.writer.rule
                drawn = iter([rule])
                play.put_rule(lambda: next(drawn, None) or again(rule["rule_id"]))
            for _ in range(STEPS):
                step(play, play.change_a_rule, play.merge)
            play.compare_learners()
            adds_up(doors[0])
