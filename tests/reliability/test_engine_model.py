"""The whole engine does what a plain model of it does, over random histories and with concurrent writers.

A failure names the seed; `ROCKET_TEST_SEED` plays it again. `ROCKET_TEST_EXAMPLES` makes it longer, with
seeds that are new each time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.engine_detours import Detours, steps
from support.engine_histories import BADGES, EVENTS, Play, Writer
from support.fixtures import MakeOrganisation
from support.organisation import Organisation
from support.plain_engine import Body, PlainEngine, Rule
from support.server import Server

pytestmark = pytest.mark.reliability

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "100"))
LONG = "ROCKET_TEST_EXAMPLES" in os.environ
SEED = os.environ.get("ROCKET_TEST_SEED")
STEPS = 40
WRITERS = 6
NAMES = ("anna", "ben", "carla")
IDENTITIES = ("anna", "moodle:31", "moodle:32", "crm:9", "crm:10", "lms:7")
ADDRESSES = ("ada@example.org", "office@example.org", "ben@example.org")

Prepared = tuple[Organisation, Organisation]


@pytest.fixture
def prepare(make_organisation: MakeOrganisation, second_server: Server) -> Callable[[], Prepared]:
    """Makes an organisation in Paris with the badges of the histories, and its doors on two servers."""

    def make() -> Prepared:
        organisation = make_organisation(timezone="Europe/Paris", rules=[])
        for badge_id in BADGES[3:]:
            answer = organisation.api.post("/v1/badges", {"badge_id": badge_id, "name": badge_id})
            assert answer.status_code == 201, answer.text
        return organisation, organisation.on(second_server)

    return make


def seeds(times: int) -> list[int]:
    """The seed that was asked for; else so many new ones in the long form, and always the same in the short
    form, so that a change is judged by what it changed."""
    if SEED:
        return [int(SEED)]
    return [random.SystemRandom().randrange(2**32) for _ in range(times)] if LONG else list(range(times))


@contextmanager
def told(seed: int, *plays: Play) -> Iterator[None]:
    """Says of a failure what it takes to see it again."""
    try:
        yield
    except Exception as error:
        steps = "\n".join(line for play in plays for line in play.log)
        raise AssertionError(f"{error}\n\nROCKET_TEST_SEED={seed} plays it again:\n{steps}") from error


def set_up(play: Play) -> None:
    """Make the rules of a history; one that the server refuses is drawn again."""
    for make in play.writer.rules():
        play.put_rule(make)


def step(play: Play, *more: Callable[[], None]) -> None:
    """One thing happens: mostly events."""
    acts = [play.send] * 12 + [play.by_hand] * 2 + [play.reverse] * 3 + [play.suspend, *more]
    play.rng.choice(acts)()


def test_random_histories(prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None]) -> None:
    """After each of many random steps the server has answered as the model does, and stands as it does."""
    for seed in seeds(max(5, EXAMPLES // 10)):
        doors = prepare()
        play = Play(Writer(random.Random(seed), NAMES), doors, PlainEngine(BADGES))
        with told(seed, play):
            set_up(play)
            for _ in range(STEPS):
                step(play, play.change_a_rule, play.merge, play.reset_course)
            play.compare_learners()
            adds_up(doors[0])


def test_the_best_of_several(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None]
) -> None:
    """As random histories, where rules give for the best of several things and these are withdrawn."""
    for seed in seeds(max(5, EXAMPLES // 10)):
        doors = prepare()
        play = Play(Writer(random.Random(seed), NAMES, best=True), doors, PlainEngine(BADGES))
        with told(seed, play):
            set_up(play)
            for _ in range(STEPS):
                step(play, play.change_a_rule, play.reset_course)
            play.compare_learners()
            adds_up(doors[0])


@pytest.mark.parametrize("best", [False, True])
def test_who_is_one_person(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None], best: bool
) -> None:
    """As random histories, of people of three platforms who share mailboxes, change them, are linked by them,
    merged and split again. After each split all stand as the model says, and the ledger is proved."""
    for seed in seeds(max(4, EXAMPLES // 20)):
        doors = prepare()
        writer = Writer(random.Random(seed), IDENTITIES, best=best, addresses=ADDRESSES)
        play = Play(writer, doors, PlainEngine(BADGES))

        def split(play: Play = play, organisation: Organisation = doors[0]) -> None:
            play.split()
            adds_up(organisation)

        with told(seed, play):
            set_up(play)
            for _ in range(STEPS):
                step(play, play.change_a_rule, play.merge, play.reset_course, split, split)
            play.compare_learners()
            adds_up(doors[0])


@pytest.mark.parametrize("organisations", [1, 3])
def test_events_that_come_by_detours(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None], organisations: int
) -> None:
    """As random histories, in which events come by a hook before they are mapped, are filtered, wait for whom
    they are about, or are run again, and a mapping gives points that change over time; by turns in several
    organisations, none of which is touched by another. Each event that counts is told to a webhook once."""
    for seed in seeds(max(1, EXAMPLES // 50)):
        plays = []
        for number in range(organisations):
            rng = random.Random(seed if organisations == 1 else f"{seed} {number}")
            doors = prepare()
            plays.append(Detours(Writer(rng, NAMES), doors, PlainEngine(BADGES)))
        turns = random.Random(f"{seed} turns")
        with told(seed, *plays):
            for play in plays:
                set_up(play)
            for _ in range(STEPS * (organisations + 1) // 2):
                play = turns.choice(plays)
                step(play, play.change_a_rule, play.merge, *steps(play))
            for play in plays:
                play.compare_all()
                adds_up(play.doors[0])


def test_each_with_learners_of_their_own(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None]
) -> None:
    """While all write at once through two servers, each writer's learners get what they get by themselves."""
    for seed in seeds(max(1, EXAMPLES // 100)):
        doors = prepare()
        administrator = Play(Writer(random.Random(seed), ()), doors, PlainEngine(BADGES))
        plays = [administrator]
        with told(seed, administrator):
            set_up(administrator)
        for number in range(WRITERS):
            writer = Writer(
                random.Random(f"{seed} {number}"), [f"{name}-{number}" for name in NAMES], f"{number}:"
            )
            writer.start = administrator.writer.start
            plays.append(Play(writer, doors, PlainEngine(BADGES)))
            plays[-1].engine.rules = dict(administrator.engine.rules)
            plays[-1].engine.versions = dict(administrator.engine.versions)
        with told(seed, *plays), ThreadPoolExecutor(WRITERS) as pool:
            for finished in [pool.submit(write, play) for play in plays[1:]]:
                finished.result()
            for play in plays[1:]:
                play.compare_learners()
            adds_up(doors[0])


def write(play: Play) -> None:
    """One writer's steps; other writers' may come between any two of them."""
    for _ in range(STEPS):
        step(play, play.merge)


# Whoever comes first, the end is the same: awards of one size, of one day.
STEADY = [
    {"trigger": "forum.posted", "points": 5, "constraints": {"max_per_day": 3}},
    {"trigger": "quiz.completed", "points": 50, "constraints": {"once": True}, "badge": BADGES[0]},
    {"trigger": "badge.awarded", "points": 20, "constraints": {}, "badge": BADGES[1], "for": BADGES[0]},
    {"trigger": "course.viewed", "points": 10, "constraints": {"max_per_course": 1}},
    {"trigger": "course.viewed", "points": 7, "constraints": {"max_points_per_day": 20}},
    {"trigger": "course.viewed", "points": 3, "constraints": {"unique_by": ["course_id", "@day"]}},
    {"trigger": "lesson.completed", "points": 4, "constraints": {"max_per_lesson": 2}},
    {"trigger": "quiz.completed", "points": 1, "constraints": {"cooldown_minutes": 1500}},
]


def steady_rule(number: int, written: dict[str, Any]) -> Rule:
    """A rule of the API from a short form."""
    actions = {"award_points": written["points"]}
    if "badge" in written:
        actions["issue_badge"] = written["badge"]
    conditions = {"badge_id": written["for"]} if "for" in written else {}
    return {
        "rule_id": f"r{number}",
        "trigger": {"event": written["trigger"], "conditions": conditions},
        "actions": actions,
        "constraints": written["constraints"],
    }


def steady_events(rng: random.Random, number: int) -> list[tuple[Body, datetime]]:
    """Events of one day of three learners; which writer sends which doesn't matter."""
    events = []
    for index in range(number):
        moment = datetime(2026, 3, 29, 6, tzinfo=UTC) + timedelta(minutes=rng.randrange(12 * 60))
        body = {
            "event": rng.choice(EVENTS),
            "user_id": rng.choice(NAMES),
            "timestamp": moment.isoformat(),
            "event_id": f"e{index}",
            "properties": {"course_id": rng.choice("123"), "lesson_id": rng.choice("123456")},
        }
        events.append((body, moment))
    return events


def test_all_with_the_same_learners(
    prepare: Callable[[], Prepared], adds_up: Callable[[Organisation], None]
) -> None:
    """Where the order doesn't matter for the end, all writers together give each learner exactly that end."""
    for seed in seeds(max(1, EXAMPLES // 100)):
        doors = prepare()
        rng = random.Random(seed)
        play = Play(Writer(rng, NAMES), doors, PlainEngine(BADGES))
        for number, written in enumerate(STEADY):
            rule = steady_rule(number, written)
            play.put_rule(lambda rule=rule: rule)
        events = steady_events(rng, 240)
        play.engine.receive(events)
        # Everybody sends a third of all events, most of which others send as well.
        shares = [rng.sample(events, len(events) // 3) for _ in range(WRITERS)]
        shares[0] = rng.sample(events, len(events))
        with told(seed, play), ThreadPoolExecutor(WRITERS) as pool:
            sent = [
                pool.submit(send_all, random.Random(f"{seed} {number}"), doors, [body for body, _ in share])
                for number, share in enumerate(shares)
            ]
            assert sum(one.result() for one in sent) == len(events)
            play.compare_learners()
            adds_up(doors[0])


def send_all(rng: random.Random, doors: Sequence[Organisation], bodies: Sequence[Body]) -> int:
    """Send events one by one and in batches; how many of them nobody had sent before."""
    processed, left = 0, list(bodies)
    while left:
        size = rng.choice((1, 1, 3, 20))
        some, left = left[:size], left[size:]
        path, body = ("/v1/events/batch", {"events": some}) if size > 1 else ("/v1/events", some[0])
        response = rng.choice(doors).api.post(path, body)
        assert response.status_code == 200, response.text
        answer = response.json()
        processed += answer["processed"] if size > 1 else answer["status"] == "processed"
    return processed
