"""Random histories of events, points, reversals, merges and deletions, against a plain model of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.errors import Conflict, InsufficientPoints, NotFound
from rocket_server.learners import store as learners
from rocket_server.learners.store import Wanted
from rocket_server.ledger import manual
from rocket_server.ledger import store as ledger
from rocket_server.ledger.model import Cause
from rocket_server.people import anonymise as anonymising
from rocket_server.people import erasure
from rocket_server.people import merge as merging
from rocket_server.sources import rocket
from rocket_server.verify.proof import verify

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = ("anna", "ben", "carl", "dora")

names = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("post"), names, st.integers(0, 1)),
    st.tuples(st.just("course"), names, st.integers(0, 2)),
    st.tuples(st.just("lesson"), names, st.integers(0, 1)),
    st.tuples(st.just("reopen"), names, st.integers(0, 1)),
    st.tuples(st.just("award"), names, st.integers(1, 50)),
    st.tuples(st.just("deduct"), names, st.integers(1, 50)),
    st.tuples(st.just("reverse"), names, st.integers(0, 5)),
    st.tuples(st.just("retry"), names, st.integers(0, 5)),
    st.tuples(st.just("merge"), names, names),
    st.tuples(st.just("forget"), names, st.just(0)),
)


@dataclass
class Human:
    """What the model knows of one person."""

    posts: dict[int, int] = field(default_factory=dict)  # of each day
    courses: set[int] = field(default_factory=set)
    points: int = 0


class Model:
    """Posts pay 5 three times a day, a course 50 once, for a person who may be several names.

    It knows nothing of accounts, entries or marks: a merge adds up what both had.
    """

    def __init__(self) -> None:
        self.humans: dict[str, Human] = {}

    def human(self, name: str) -> Human:
        return self.humans.setdefault(name, Human())

    def post(self, name: str, day: int) -> int:
        human = self.human(name)
        if human.posts.get(day, 0) >= 3:
            return 0
        human.posts[day] = human.posts.get(day, 0) + 1
        human.points += 5
        return 5

    def course(self, name: str, course: int) -> int:
        human = self.human(name)
        if course in human.courses:
            return 0
        human.courses.add(course)
        human.points += 50
        return 50

    def merge(self, into: str, name: str) -> None:
        kept, gone = self.humans[into], self.humans[name]
        for day, count in gone.posts.items():
            kept.posts[day] = kept.posts.get(day, 0) + count
        kept.courses |= gone.courses
        kept.points += gone.points
        self.humans = {one: kept if human is gone else human for one, human in self.humans.items()}

    def forget(self, name: str) -> None:
        gone = self.humans[name]
        self.humans = {one: human for one, human in self.humans.items() if human is not gone}


class Server:
    """The same steps at the real thing."""

    def __init__(self, database: Database, organisation_id: str) -> None:
        self.database = database
        self.organisation_id = organisation_id
        self.configurations = Configurations()
        self.count = 0

    async def run(self, work: Any) -> Any:
        async def transaction(conn: Any) -> Any:
            return await work(conn, await self.configurations.current(conn, self.organisation_id))

        return await self.database.run(transaction)

    async def event(self, name: str, event: str, day: int, **properties: Any) -> int:
        self.count += 1
        body = {
            "event": event,
            "user_id": name,
            "timestamp": (START + timedelta(days=day, seconds=self.count)).isoformat(),
            "event_id": f"e{self.count}",
            "properties": properties,
        }
        parsed = rocket.parse_event(
            body,
            timezone=UTC,
            received_at=START + timedelta(days=9),  # type: ignore[arg-type]
        )
        assert not isinstance(parsed, list)
        (result,) = await self.run(lambda conn, found: pipeline.ingest(conn, found, [parsed], START))
        return int(result.points_awarded)

    async def by_hand(self, name: str, points: int, move: Any) -> bool:
        async def work(conn: Any, _: Any) -> None:
            found = await learners.resolve(conn, self.organisation_id, [Wanted(name)])
            cause = Cause("test", START, f"for {name}", metadata={"who": name})
            await move(conn, self.organisation_id, found[name].learner_id, points, cause)

        try:
            await self.run(work)
        except InsufficientPoints:
            return False
        return True

    async def nth(self, table: str, name: str, number: int) -> str | None:
        """The id of one of a learner's events, or of his entries by hand and rule."""
        column = {"events": "event_id", "entries": "entry_id"}[table]
        async with self.database.connection() as conn:
            learner = await learners.find_one(conn, self.organisation_id, name)
            if learner is None:
                return None
            extra = " AND event LIKE 'forum.%'" if table == "events" else " AND rule_id IS NULL"
            rows = await conn.fetch(
                f"SELECT {column}::text FROM {table}"
                f" WHERE organisation_id = $1 AND learner_id = $2{extra} ORDER BY 1",
                self.organisation_id,
                learner.learner_id,
            )
        return rows[number % len(rows)][0] if rows else None

    async def points(self, name: str) -> int | None:
        async with self.database.connection() as conn:
            learner = await learners.find_one(conn, self.organisation_id, name)
            if learner is None:
                return None
            return (await ledger.read_account(conn, self.organisation_id, learner.learner_id)).points


async def step(server: Server, model: Model, kind: str, name: str, value: Any) -> None:
    """Do one step at both, and compare what it was worth where the model says so."""
    if kind == "post":
        assert await server.event(name, "forum.posted", value) == model.post(name, value)
    elif kind == "course":
        paid = await server.event(name, "course.completed", 0, course_id=str(value))
        assert paid == model.course(name, value)
    elif kind in ("lesson", "reopen"):
        event = "lesson.completed" if kind == "lesson" else "lesson.reopened"
        model.human(name).points += await server.event(name, event, 0, lesson_id=str(value))
    elif kind == "award":
        assert await server.by_hand(name, value, manual.award)
        model.human(name).points += value
    elif kind == "deduct":
        human = model.human(name)
        enough = value <= human.points
        # A refused deduction makes nobody, here as there.
        assert await server.by_hand(name, value, manual.deduct) == enough
        human.points -= value if enough else 0
        if not enough and await server.points(name) is None:
            del model.humans[name]
    elif kind == "reverse":
        await reverse(server, model, name, value)
    elif kind == "retry":
        event_id = await server.nth("events", name, value)
        if event_id is not None:
            before = await server.points(name)
            await server.run(lambda conn, found: pipeline.retry(conn, found, [event_id], START))
            # What others had meanwhile counts against it now, so it may be less, never more than was there.
            after = await server.points(name)
            assert after is not None
            assert before is not None
            assert after in (before, before - 5), (before, after)
            if after < before:
                model.human(name).points -= 5
    elif kind == "merge":
        await merge(server, model, name, value)
    elif name in model.humans:
        left = await server.run(lambda conn, found: anonymising.anonymise(conn, found, name, "test", START))
        assert await server.points(left.user_id) == model.humans[name].points
        model.forget(name)
        await erasure.sweep(server.database, server.organisation_id, 50)


async def reverse(server: Server, model: Model, name: str, value: int) -> None:
    """Undo one of a learner's entries by hand, where that is allowed."""
    entry_id = await server.nth("entries", name, value)
    if entry_id is None:
        return
    before = await server.points(name)
    try:
        await server.run(
            lambda conn, configuration: pipeline.reverse(
                conn, configuration, entry_id, Cause("test", START, f"{name} erred"), datetime.now(UTC)
            )
        )
    except Conflict:
        return
    after = await server.points(name)
    assert after is not None
    assert before is not None
    assert after != before
    model.human(name).points += after - before


async def merge(server: Server, model: Model, into: str, name: str) -> None:
    """Merge two names; strangers and one and the same are refused by both."""
    there = into in model.humans and name in model.humans
    same = there and model.humans[into] is model.humans[name]
    try:
        made = await server.run(
            lambda conn, found: merging.merge(conn, found, into, name, "test", START + timedelta(1))
        )
    except NotFound:
        assert not there
        return
    except Conflict:
        assert same
        return
    assert there
    assert made.replayed == same
    if not same:
        model.merge(into, name)


@settings(
    max_examples=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=1, max_size=30))
def test_histories_with_merges_and_deletions(history, portal, store, make_organisation, owner):
    """After any history each name has the points that the model says, the proof is clean and the sum is zero;
    names of those who were forgotten stand nowhere as a learner's."""
    organisation = make_organisation()

    async def play() -> list[Any]:
        server, model = Server(store, organisation.organisation_id), Model()
        for kind, name, value in history:
            await step(server, model, kind, name, value)
        for name in NAMES:
            expected = model.humans[name].points if name in model.humans else None
            assert await server.points(name) == expected, name
        async with store.transaction() as conn:
            return await verify(conn, organisation.organisation_id)

    assert portal.call(play) == []
