"""Lanes by themselves: what waits together is committed together, and answered one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import Gauge, Histogram

from rocket_server.errors import NotFound, Unavailable
from rocket_server.lanes import Lanes, Meters

TABLE = "CREATE TABLE slips (key text, slip text); GRANT SELECT, INSERT ON slips TO rocket_app"


def meters() -> Meters:
    return Meters(
        Gauge("waiting", "Waiting.", registry=None),
        Histogram("group", "Groups.", registry=None),
        Histogram("seconds", "Seconds.", registry=None),
    )


class Desk:
    """Writes slips into a table, and remembers which of them came in one transaction. `bad` slips break it,
    `unknown` ones are refused by themselves; while `door` is closed no transaction ends."""

    def __init__(self, *, bad: Sequence[str] = (), unknown: Sequence[str] = ()) -> None:
        self.bad, self.unknown = set(bad), set(unknown)
        self.groups: list[tuple[str, list[str]]] = []
        self.at_once: dict[str, int] = {}
        self.most_at_once = 0
        self.door = asyncio.Event()
        self.door.set()
        self.begun = asyncio.Semaphore(0)

    async def begins(self) -> None:
        """Returns when one transaction more was begun."""
        async with asyncio.timeout(30):
            await self.begun.acquire()

    async def work(self, conn: Any, key: str, slips: Sequence[str]) -> list[str | Exception]:
        self.groups.append((key, list(slips)))
        self.begun.release()
        self.at_once[key] = self.at_once.get(key, 0) + 1
        self.most_at_once = max(self.most_at_once, self.at_once[key])
        try:
            good = [slip for slip in slips if slip not in self.unknown]
            await conn.executemany("INSERT INTO slips VALUES ($1, $2)", [(key, slip) for slip in good])
            await self.door.wait()
            if self.bad.intersection(slips):
                raise ValueError("broken")
            return [slip.upper() if slip in good else NotFound(slip) for slip in slips]
        finally:
            self.at_once[key] -= 1


@pytest.fixture
async def written(db, owner_of):
    """What is committed of a key."""
    await owner_of(TABLE)

    async def written(key: str) -> list[str]:
        async with db.connection() as conn:
            rows = await conn.fetch("SELECT slip FROM slips WHERE key = $1 ORDER BY slip", key)
        return [row[0] for row in rows]

    return written


def lanes_of(db, desk: Desk, *, most: int = 100, **settings: Any) -> Lanes[str, str]:
    return Lanes(db, desk.work, most=lambda _: most, meters=meters(), **settings)


async def all_of(lanes: Lanes[str, str], key: str, slips: Sequence[str]) -> list[Any]:
    return await asyncio.gather(*(lanes.submit(key, slip) for slip in slips), return_exceptions=True)


async def test_one_alone_runs_at_once_and_the_others_share_the_next(db, written):
    """Nobody waits longer than a transaction takes, and what waited is committed together, in its order."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk)
    first = asyncio.create_task(lanes.submit("a", "one"))
    await desk.begins()
    others = asyncio.create_task(all_of(lanes, "a", ["two", "three", "four"]))
    await asyncio.sleep(0)
    desk.door.set()
    assert await first == "ONE"
    assert await others == ["TWO", "THREE", "FOUR"]
    assert desk.groups == [("a", ["one"]), ("a", ["two", "three", "four"])]


async def test_an_answer_comes_after_the_commit(db, written):
    """Whoever has an answer finds on another connection what was written."""
    lanes = lanes_of(db, Desk())
    for number in range(20):
        await lanes.submit("a", f"{number:02}")
        assert len(await written("a")) == number + 1


async def test_a_group_has_no_more_than_its_weight_unless_one_alone_does(db, written):
    """Items that weigh 4 go two by two where 8 is the most; one of 50 goes by itself."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk, most=8)
    first = asyncio.create_task(lanes.submit("a", "x"))
    await desk.begins()
    weights = {"b": 4, "c": 4, "d": 4, "e": 50, "f": 1}
    others = asyncio.gather(*(lanes.submit("a", slip, weight) for slip, weight in weights.items()))
    await asyncio.sleep(0)
    desk.door.set()
    await asyncio.gather(first, others)
    assert [group for _, group in desk.groups] == [["x"], ["b", "c"], ["d"], ["e"], ["f"]]


@pytest.mark.parametrize(("waiting", "groups"), [(9, 1), (10, 2), (40, 2)])
async def test_a_further_transaction_isbegun_where_it_is_worth_it_and_allowed(db, written, waiting, groups):
    """Two at once where two are allowed, and the second one only for as many as were said."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk, in_flight=2, worth_another=10)
    first = asyncio.create_task(lanes.submit("a", "x"))
    await desk.begins()
    others = [asyncio.create_task(lanes.submit("a", str(number))) for number in range(waiting)]
    for _ in range(groups - 1):
        await desk.begins()
    await asyncio.sleep(0.05)
    assert len(desk.groups) == desk.most_at_once == groups
    desk.door.set()
    await asyncio.gather(first, *others)
    assert len(await written("a")) == waiting + 1


async def test_keys_never_share_a_transaction_and_dont_wait_for_each_other(db, written):
    """While one key's transaction is held up, another's goes on; no group has two keys."""
    desk, held_up = Desk(), asyncio.Event()
    work = desk.work

    async def slow(conn: Any, key: str, slips: Sequence[str]) -> list[str | Exception]:
        if key == "slow":
            await held_up.wait()
        return await work(conn, key, slips)

    lanes: Lanes[str, str] = Lanes(db, slow, most=lambda _: 100, meters=meters())
    slow_one = asyncio.create_task(lanes.submit("slow", "x"))
    assert await all_of(lanes, "quick", ["a", "b"]) == ["A", "B"]
    assert not slow_one.done()
    held_up.set()
    assert await slow_one == "X"
    assert {key: slips for key, slips in desk.groups if key == "slow"} == {"slow": ["x"]}


async def test_an_error_that_is_an_answer_undoes_nothing(db, written):
    """One that is refused by itself gets its error; its neighbours are committed in the same transaction."""
    desk = Desk(unknown=["no"])
    desk.door.clear()
    lanes = lanes_of(db, desk)
    waiting = asyncio.create_task(all_of(lanes, "a", ["x", "y", "no", "z"]))
    await desk.begins()
    desk.door.set()
    answers = await waiting
    assert [answers[0], answers[1], answers[3]] == ["X", "Y", "Z"]
    assert isinstance(answers[2], NotFound)
    assert await written("a") == ["x", "y", "z"]
    assert len(desk.groups) == 1


@pytest.mark.parametrize("bad", [["07"], ["00", "31"], ["30", "31", "32"]])
async def test_one_that_breaks_the_transaction_is_found_and_the_others_are_done(db, written, bad):
    """What a group can't commit is tried in halves: only those at fault are told so, and leave nothing."""
    desk = Desk(bad=bad)
    desk.door.clear()
    lanes = lanes_of(db, desk)
    slips = [f"{number:02}" for number in range(64)]
    waiting = asyncio.create_task(all_of(lanes, "a", slips))
    await desk.begins()
    desk.door.set()
    answers = await waiting
    failed = [slip for slip, answer in zip(slips, answers, strict=True) if isinstance(answer, ValueError)]
    assert failed == bad
    assert await written("a") == [slip for slip in slips if slip not in bad]
    assert [answer for answer in answers if isinstance(answer, str)] == await written("a")


async def test_a_full_lane_refuses_and_other_lanes_have_room(db, written):
    """What isn't taken is refused with 503 and never done; the bound is of one key."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk, max_waiting=3)
    first = asyncio.create_task(lanes.submit("a", "x"))
    await desk.begins()
    waiting = [asyncio.create_task(lanes.submit("a", slip)) for slip in ("b", "c")]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await lanes.submit("a", "too much", 2)
    other = asyncio.create_task(lanes.submit("b", "room", 3))
    desk.door.set()
    await asyncio.gather(first, *waiting, other)
    assert await written("a") == ["b", "c", "x"]
    assert await lanes.submit("a", "later", 3) == "LATER"


async def test_who_goes_away_leaves_what_they_sent(db, written):
    """A request that is cancelled while it waits is committed with its group."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk)
    first = asyncio.create_task(lanes.submit("a", "x"))
    await desk.begins()
    gone = asyncio.create_task(lanes.submit("a", "gone"))
    await asyncio.sleep(0)
    gone.cancel()
    desk.door.set()
    await asyncio.gather(first, gone, return_exceptions=True)
    await lanes.close()
    assert gone.cancelled()
    assert await written("a") == ["gone", "x"]


async def test_closing_answers_what_was_taken_and_takes_no_more(db, written):
    """After the end of `close` everything is committed and answered; later ones are sent away."""
    desk = Desk()
    desk.door.clear()
    lanes = lanes_of(db, desk)
    taken = asyncio.create_task(all_of(lanes, "a", ["x", "y"]))
    await desk.begins()
    closing = asyncio.create_task(lanes.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await lanes.submit("a", "late")
    assert not closing.done()
    desk.door.set()
    await closing
    assert await written("a") == ["x", "y"]
    assert await taken == ["X", "Y"]


async def test_a_miscounted_group_is_not_committed(db, written):
    """Work that answers too few would give one item another's answer: a defect, which changes nothing."""
    desk = Desk()

    async def forgetful(conn: Any, key: str, slips: Sequence[str]) -> list[str | Exception]:
        return (await desk.work(conn, key, slips))[1:]

    lanes: Lanes[str, str] = Lanes(db, forgetful, most=lambda _: 100, meters=meters())
    assert all(isinstance(answer, AssertionError) for answer in await all_of(lanes, "a", ["x", "y"]))
    assert await written("a") == []


async def test_without_the_database_all_are_told_and_none_is_tried_alone(db, written):
    """Trying halves would only take longer: each is answered that the database is away."""
    desk = Desk()

    async def away(conn: Any, key: str, slips: Sequence[str]) -> list[str | Exception]:
        desk.groups.append((key, list(slips)))
        desk.begun.release()
        await desk.door.wait()
        raise Unavailable("away")

    desk.door.clear()
    lanes: Lanes[str, str] = Lanes(db, away, most=lambda _: 100, meters=meters())
    first = asyncio.create_task(lanes.submit("a", "x"))
    await desk.begins()
    others = asyncio.create_task(all_of(lanes, "a", ["b", "c", "d"]))
    await asyncio.sleep(0)
    desk.door.set()
    answers = [*await asyncio.gather(first, return_exceptions=True), *await others]
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert [group for _, group in desk.groups] == [["x"], ["b", "c", "d"]]
