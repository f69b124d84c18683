"""Random histories of learners, played through the pipeline: events late and out of order, withdrawn
completions, changed rules, suspended learners, awards reversed by hand, events run again; where asked for,
with multipliers, badges, drafts and periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from rocket_server import pipeline
from rocket_server.badges import store as badges_store
from rocket_server.configuration.snapshot import Configurations
from rocket_server.events.model import Event, dedupe_key
from rocket_server.ids import uuid7
from rocket_server.ledger.model import Cause
from rocket_server.organisations import store as organisations
from rocket_server.organisations.model import Organisation
from rocket_server.organisations.settings import Rank
from rocket_server.rules import store as rules_store
from rocket_server.rules.model import Rule
from rocket_server.rules.parse import parse_rule

START = datetime(2026, 3, 27, 8, tzinfo=UTC)  # two days before the clocks go forward
NAMES = ("forum.posted", "lesson.completed", "lesson.reopened", "quiz.completed", "course.viewed")

_LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "once": st.just(True),
    "unique_by": st.sampled_from([["lesson_id"], ["course_id", "@day"], ["missing"], ["course_id", "@year"]]),
    "max_per_course": st.integers(1, 2),
    "max_per_lesson": st.integers(1, 2),
    "max_per_hour": st.integers(1, 2),
    "max_per_day": st.integers(1, 3),
    "max_per_week": st.integers(1, 4),
    "max_per_month": st.integers(2, 5),
    "max_per_year": st.integers(2, 5),
    "cooldown_minutes": st.sampled_from([30, 90, 1500]),
    "max_points_per_day": st.integers(5, 30),
}
# Two at most, so that awards are made.
_FEW_LIMITS = st.lists(st.sampled_from(sorted(_LIMITS)), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _LIMITS[name] for name in names})
)
_POINTS = st.one_of(st.integers(1, 9), st.just({"from": "score", "multiply": 0.1, "min": 0, "max": 10}))


@st.composite
def rule(draw: st.DrawFn, rule_id: str) -> Rule:
    """A rule of that id."""
    trigger: dict[str, Any] = {"event": draw(st.sampled_from(NAMES[:4] if rule_id != "seen" else NAMES))}
    conditions = draw(st.sampled_from([{}, {}, {"score": {"gte": 50}}, {"metadata.client": "app"}]))
    if conditions:
        trigger["conditions"] = conditions
    return parse_rule(
        {
            "rule_id": rule_id,
            "trigger": trigger,
            "actions": {"award_points": draw(_POINTS)},
            "constraints": draw(_FEW_LIMITS),
            "active": draw(st.sampled_from([True, True, True, True, False])),
        },
        stored=True,  # some limits never matter beside others, which is refused when a rule is written
    )


@st.composite
def lavish_rule(draw: st.DrawFn, rule_id: str) -> Rule:
    """As `rule`, with what else a rule may have: "boost" multiplies, "star" hears badges, the others may give
    one; drafts and periods."""
    data = draw(rule(rule_id)).as_dict()
    actions = data["actions"]
    badge = draw(st.sampled_from([None, None, "quiz_master", "course_master"]))
    if rule_id == "boost":
        actions = {"multiplier": draw(st.sampled_from([2, 0.5, 1.5, {"from": "rank"}]))}
        data["constraints"].pop("max_points_per_day", None)
    elif rule_id == "star":
        data["trigger"] = {"event": "badge.awarded"}
    if badge is not None:
        actions["issue_badge"] = badge
    if draw(st.integers(0, 7)) == 0:
        data |= {"active": False, "status": "draft"}
    data |= draw(st.sampled_from([{}, {}, {"starts_at": "2026-03-29"}, {"ends_at": "2026-04-01T12:00:00"}]))
    return parse_rule(data | {"actions": actions}, stored=True)


RULE_IDS = ("post", "done", "seen")
rule_sets = st.tuples(*(rule(rule_id) for rule_id in RULE_IDS))
LAVISH_IDS = (*RULE_IDS, "boost", "star")
lavish_rule_sets = st.tuples(*(lavish_rule(rule_id) for rule_id in LAVISH_IDS))

_event = st.fixed_dictionaries(
    {
        "event": st.sampled_from((*NAMES, "lesson.completed", "forum.posted")),
        "user_id": st.sampled_from(["anna", "ben"]),
        # Minutes after the start, in any order: late events and equal times among them.
        "minutes": st.integers(0, 60 * 24 * 9).map(lambda minutes: minutes // 20 * 20),
        "course_id": st.sampled_from(["c1", "c2", None]),
        "lesson_id": st.sampled_from(["l1", "l2"]),
        "score": st.sampled_from([None, 20, 80]),
        "client": st.sampled_from(["app", "web"]),
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: `kind` is events, rule, suspend, resume, reverse or retry."""

    kind: str
    what: Any = None


def steps(*kinds: str, lavish: bool = False) -> st.SearchStrategy[list[Step]]:
    """What happens, one step after another: groups of events, and now and then one of `kinds`."""
    groups = st.lists(_event, min_size=1, max_size=5).map(lambda events: Step("events", events))
    others = {
        "rule": st.sampled_from(LAVISH_IDS if lavish else RULE_IDS)
        .flatmap(lavish_rule if lavish else rule)
        .map(lambda changed: Step("rule", changed)),
        "suspend": st.sampled_from(["anna", "ben"]).map(lambda user: Step("suspend", user)),
        "resume": st.sampled_from(["anna", "ben"]).map(lambda user: Step("resume", user)),
        "reverse": st.integers(0, 50).map(lambda number: Step("reverse", number)),
        "retry": st.integers(0, 50).map(lambda number: Step("retry", number)),
    }
    return st.lists(
        st.one_of(groups, groups, groups, *(others[kind] for kind in kinds)), min_size=1, max_size=12
    )


class History:
    """One organisation to which steps happen."""

    def __init__(self, conn: Any, organisation: Organisation) -> None:
        self.conn = conn
        self.organisation = organisation
        self._configurations = Configurations()
        self._number = 0

    @classmethod
    async def begin(cls, conn: Any, rules: Sequence[Rule]) -> History:
        """A new organisation in Paris with these rules."""
        name = f"History {uuid7()}"
        organisation = await organisations.create(
            conn, name=name, tenant_id="histories", timezone="Europe/Paris"
        )
        await badges_store.define(conn, organisation.organisation_id, badges_store.STARTERS)
        ranks = [Rank("Explorer", 0, 1.5)]
        await organisations.change(conn, organisation.organisation_id, ranks=ranks)
        history = cls(conn, await organisations.read(conn, organisation.organisation_id))
        await history._save(rules)
        return history

    async def happen(self, step: Step) -> None:
        """Let one step happen."""
        conn, organisation_id = self.conn, self.organisation.organisation_id
        if step.kind == "events":
            configuration = await self._configurations.current(conn, organisation_id)
            await pipeline.ingest(
                conn, configuration, [self._event(one) for one in step.what], datetime.now(UTC)
            )
        elif step.kind == "rule":
            await self._save([step.what])
            await organisations.touch(conn, organisation_id)
        elif step.kind in ("suspend", "resume"):
            await conn.execute(
                "UPDATE learners SET status = $3 WHERE organisation_id = $1 AND user_id = $2",
                organisation_id,
                step.what,
                "suspended" if step.kind == "suspend" else "active",
            )
        elif step.kind == "reverse":
            await self._reverse(step.what)
        else:
            rows = await conn.fetch(
                "SELECT event_id::text FROM events WHERE organisation_id = $1 ORDER BY event_id",
                organisation_id,
            )
            if rows:
                configuration = await self._configurations.current(conn, organisation_id)
                await pipeline.retry(conn, configuration, [rows[step.what % len(rows)][0]], datetime.now(UTC))

    async def _save(self, rules: Sequence[Rule]) -> None:
        """Save versions, each with a time of its own although all is one transaction."""
        organisation_id = self.organisation.organisation_id
        versions = await rules_store.save(self.conn, organisation_id, rules, "tests")
        await self.conn.execute("SET LOCAL ROLE NONE")
        await self.conn.execute(
            "UPDATE rules SET created_at = clock_timestamp() FROM unnest($2::text[], $3::integer[])"
            " AS made (rule_id, version) WHERE organisation_id = $1 AND rules.rule_id = made.rule_id"
            " AND rules.version = made.version",
            organisation_id,
            list(versions),
            list(versions.values()),
        )
        await self.conn.execute("SET LOCAL ROLE rocket_app")
        next_millisecond()

    async def _reverse(self, number: int) -> None:
        entries = await self.conn.fetch(
            "SELECT entry_id::text FROM entries e WHERE organisation_id = $1 AND kind = 'award'"
            " AND NOT EXISTS (SELECT 1 FROM entries r"
            "                 WHERE r.organisation_id = $1 AND r.reverses = e.entry_id) ORDER BY entry_id",
            self.organisation.organisation_id,
        )
        if entries:
            cause = Cause("tests", START, "by hand")
            entry_id = entries[number % len(entries)][0]
            configuration = await self._configurations.current(self.conn, self.organisation.organisation_id)
            await pipeline.reverse(self.conn, configuration, entry_id, cause, datetime.now(UTC))

    def _event(self, one: dict[str, Any]) -> Event:
        self._number += 1
        properties = {
            name: one[name] for name in ("course_id", "lesson_id", "score") if one[name] is not None
        }
        completion = {"lesson.completed": "completed", "lesson.reopened": "reopened"}.get(one["event"])
        return Event(
            one["event"],
            "api",
            one["user_id"],
            START + timedelta(minutes=one["minutes"]),
            properties,
            {"client": one["client"]},
            dedupe_key("histories", str(self._number)),
            source_event_id=str(self._number),
            completion=completion,  # type: ignore[arg-type]
        )

    async def points_by_rule(self) -> dict[tuple[str, str], int]:
        """Points in the ledger by learner and rule, net of reversals; zeros are left out."""
        rows = await self.conn.fetch(
            "SELECT l.user_id, e.rule_id,"
            " sum(CASE WHEN e.kind = 'award' THEN e.amount ELSE -e.amount END)::bigint"
            " FROM (SELECT e.learner_id, coalesce(e.rule_id, a.rule_id) AS rule_id, e.kind, e.amount"
            "       FROM entries e LEFT JOIN entries a ON a.organisation_id = $1 AND a.entry_id = e.reverses"
            "       WHERE e.organisation_id = $1) e"
            " JOIN learners l ON l.organisation_id = $1 AND l.learner_id = e.learner_id"
            " GROUP BY 1, 2",
            self.organisation.organisation_id,
        )
        return {(row[0], row[1]): row[2] for row in rows if row[2]}


def next_millisecond() -> datetime:
    """A moment behind every id made so far and before every later one."""
    now = _milliseconds()
    while _milliseconds() == now:
        pass
    return datetime.fromtimestamp((now + 1) / 1000, UTC)


def _milliseconds() -> int:
    return int(uuid7().replace("-", "")[:12], 16)
