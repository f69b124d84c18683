"""Simulates: candidate rules against the rules as they were, over the stored events; nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from rocket_server import catalogue
from rocket_server.catalogue import Activity
from rocket_server.errors import Conflict
from rocket_server.organisations import sources as sources_store
from rocket_server.organisations.model import Organisation
from rocket_server.rules import store as rules_store
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.model import ByRank, Rule, RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation.book import Book
from rocket_server.simulation.model import Addition, LearnerSums, Period, SimulationResult
from rocket_server.simulation.replay import Replay, meaning
from rocket_server.simulation.stored import event_of
from rocket_server.simulation.stream import SQL, STATEMENT_TIMEOUT_S, Stream
from rocket_server.sources.withdrawals import Withdrawals

DEFAULT_TOP: Final = 10
MAX_TOP: Final = 100
# Events judged before others of this process have their turn: a few milliseconds.
_SLICE_EVENTS: Final = 100

OnProgress = Callable[[int, int], None]  # events judged so far, stored events of the period at most
OnAdditions = Callable[[list[Addition]], Awaitable[None]]


class OutOfTime(Exception):
    """The simulation would take longer than it may. `done` of `events` were judged."""

    def __init__(self, done: int, events: int) -> None:
        super().__init__(f"{done} of {events} events were judged")
        self.done = done
        self.events = events


@dataclass(frozen=True, slots=True)
class Settings:
    """How to simulate. `trust` False judges every event anew, also where the rule didn't change."""

    top: int = DEFAULT_TOP
    trust: bool = True
    budget_s: float | None = None
    on_progress: OnProgress | None = None
    activities: Mapping[str, Activity] | None = None  # the catalogue where it isn't the bundled one
    on_additions: OnAdditions | None = None  # called for each learner to whom the candidates give more


async def simulate(
    conn: Any,
    organisation: Organisation,
    rules: Sequence[Rule] | None,
    period: Period,
    settings: Settings = Settings(),
) -> SimulationResult:
    """What `rules` would have given for the events received in `period`, beside what was given.

    Rules of the organisation that aren't among `rules` count on both sides as they were; `rules` None stands
    for all rules as they were, which gives a difference of nothing. `conn` is in a transaction that sees one
    moment (repeatable read). Raises Conflict where another simulation of the organisation runs, OutOfTime
    beyond `settings.budget_s`.
    """
    started = time.monotonic()
    organisation_id = organisation.organisation_id
    if not await conn.fetchval(SQL["try_lock"], organisation_id):
        raise Conflict(
            "A simulation of this organisation is running. Wait until it has ended, then try again."
        )
    counts = await conn.fetchrow(
        SQL["counts"], organisation_id, period.first_id, period.end_id, timeout=STATEMENT_TIMEOUT_S
    )
    calendar = Calendar(organisation.timezone, await rules_store.resets(conn, organisation_id))
    if rules is not None:
        rules = await _with_multiplied(conn, organisation_id, rules)
    rule_ids = None if rules is None else [rule.rule_id for rule in rules]
    versions, in_force = await _versions(conn, organisation_id, rule_ids, calendar)
    candidates, states = await _candidates(conn, organisation, rules, versions, calendar)
    book = Book(calendar, states, settings.top)
    collect = settings.on_additions is not None
    withdrawals = await withdrawals_of(conn, organisation_id, settings)
    replay = Replay(
        book,
        candidates,
        versions,
        in_force,
        ranks=organisation.settings.ranks,
        trust=settings.trust,
        collect=collect,
        stated=withdrawals.stated,
        resets=calendar.resets,
    )

    stream = Stream(conn, organisation_id, period)
    judged_by = list(versions.values()) if candidates is None else list(candidates.rules)
    await stream.open(
        sorted({rule_id for rule_id, _ in versions} | {rule.rule_id for rule in judged_by}),
        sorted({rule.rule.trigger.event for rule in judged_by}),
        metadata=_reads_metadata([*judged_by, *versions.values()]),
        earlier=counts["earlier"],
        by_rank=any(isinstance(rule.multiplier, ByRank) for rule in judged_by),
        withdrawing=withdrawals.names,
    )
    deadline = None if settings.budget_s is None else started + settings.budget_s
    judged = await _judge_all(stream, replay, settings, counts["events"], deadline)
    gaining, losing = await _with_names(conn, organisation_id, book.gaining(), book.losing())
    courses = [one for one in book.shown_courses() if one[1].current or one[1].candidate]
    return SimulationResult(
        period,
        counts["events"],
        judged,
        book.points,
        sorted(book.rules.values(), key=lambda rule: rule.rule_id),
        sorted((week, sums) for week, sums in book.weeks.items() if sums.current or sums.candidate),
        courses,
        sum(bool(sums.current or sums.candidate) for sums in book.courses.values()) - len(courses),
        gaining,
        losing,
        book.learners,
        book.touched,
        time.monotonic() - started,
    )


async def withdrawals_of(conn: Any, organisation_id: str, settings: Settings) -> Withdrawals:
    """Which events withdraw which in an organisation."""
    activities = catalogue.load() if settings.activities is None else settings.activities
    own = {one.name: one.mappings for one in await sources_store.all_sources(conn, organisation_id)}
    return Withdrawals(activities, own)


async def _judge_all(
    stream: Stream, replay: Replay, settings: Settings, events: int, deadline: float | None
) -> int:
    """Judge page by page, the next one on its way meanwhile; the number of events judged."""
    learner_id = None
    judged = 0
    page = await stream.page()
    while page:
        befores = {row[0]: stream.before(row[0]) for row in _firsts(page)}
        following = asyncio.create_task(stream.page())
        try:
            for start in range(0, len(page), _SLICE_EVENTS):
                # Lets the next page come in, and others of this process work.
                await asyncio.sleep(0)
                if deadline is not None and time.monotonic() > deadline:
                    raise OutOfTime(judged + start, events)
                for row in page[start : start + _SLICE_EVENTS]:
                    if row[0] != learner_id:
                        if learner_id is not None:
                            await _end(replay, settings)
                        learner_id = row[0]
                        replay.begin(row[0], befores[row[0]])
                    replay.event(row[1], event_of(*row[2:10]), row[10])
            judged += len(page)
            if settings.on_progress is not None:
                settings.on_progress(judged, events)
            if deadline is not None and time.monotonic() > deadline:
                raise OutOfTime(judged, events)
            page = await following
        finally:
            if not following.done():
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
    if learner_id is not None:
        await _end(replay, settings)
    return judged


def _firsts(page: Sequence[Any]) -> list[Any]:
    """The first row of each learner of a page."""
    found: list[Any] = []
    last = None
    for row in page:
        if row[0] != last:
            found.append(row)
            last = row[0]
    return found


async def _end(replay: Replay, settings: Settings) -> None:
    additions = replay.end()
    if additions and settings.on_additions is not None:
        await settings.on_additions(additions)


async def _with_multiplied(conn: Any, organisation_id: str, rules: Sequence[Rule]) -> list[Rule]:
    """The candidates, drafts as if they were active; where a rule multiplies what others give, with the
    organisation's other rules, which have to be judged along with it."""
    tried = [as_active(rule) for rule in rules]
    ids = {rule.rule_id for rule in tried}
    others = [
        one.rule
        for one in await rules_store.current(conn, organisation_id)
        if one.rule.rule_id not in ids and one.rule.active
    ]
    return [*tried, *others] if any(map(multiplies, (*tried, *others))) else tried


def as_active(rule: Rule) -> Rule:
    """A draft as it will be; every other rule as it is."""
    return replace(rule, active=True) if rule.draft else rule


def multiplies(rule: Rule) -> bool:
    """Whether the rule changes what other rules give."""
    return rule.active and rule.actions.multiplier is not None


async def _versions(
    conn: Any, organisation_id: str, rule_ids: Sequence[str] | None, calendar: Calendar
) -> tuple[dict[tuple[str, int], CompiledRule], dict[str, list[tuple[int, int]]]]:
    """All versions of some rules (None: of all), and since when each was in force, the latest first."""
    versions: dict[tuple[str, int], CompiledRule] = {}
    in_force: dict[str, list[tuple[int, int]]] = {}
    for row in await conn.fetch(SQL["versions"], organisation_id, rule_ids):
        rule = CompiledRule(RuleVersion(parse_rule(row["definition"], stored=True), row["version"]), calendar)
        versions[rule.rule_id, rule.version] = rule
        in_force.setdefault(rule.rule_id, []).append((row["since_ms"], rule.version))
    return versions, in_force


async def _candidates(
    conn: Any,
    organisation: Organisation,
    rules: Sequence[Rule] | None,
    versions: dict[tuple[str, int], CompiledRule],
    calendar: Calendar,
) -> tuple[RuleSet | None, dict[str, str]]:
    """The candidates ready to judge, and whether each is new, changed or unchanged."""
    if rules is None:
        return None, dict.fromkeys(sorted({rule_id for rule_id, _ in versions}), "unchanged")
    now = {one.rule.rule_id: one for one in await rules_store.current(conn, organisation.organisation_id)}
    candidates = RuleSet(
        [RuleVersion(rule, now[rule.rule_id].version if rule.rule_id in now else 0) for rule in rules],
        calendar.zone,
        resets=calendar.resets,
    )
    states = {}
    for rule in candidates.rules:
        there = versions.get((rule.rule_id, rule.version))
        same = there is not None and meaning(there) == meaning(rule)
        states[rule.rule_id] = "new" if there is None else "unchanged" if same else "changed"
    return candidates, states


def _reads_metadata(rules: Sequence[CompiledRule]) -> bool:
    """Whether a rule may look at metadata, which is left in the database otherwise."""
    return any(b"metadata" in msgspec.json.encode(rule.rule.as_dict()) for rule in rules)


async def _with_names(
    conn: Any, organisation_id: str, *groups: Sequence[LearnerSums]
) -> list[list[LearnerSums]]:
    wanted = [one.learner_id for group in groups for one in group]
    names = dict(await conn.fetch(SQL["user_ids"], organisation_id, wanted)) if wanted else {}
    return [[replace(one, user_id=names.get(one.learner_id)) for one in group] for group in groups]
