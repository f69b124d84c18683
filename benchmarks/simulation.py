"""P7: a changed rule set is simulated over many stored events, beside the same rules, which must differ in
nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psutil

from benchmarks import figures
from benchmarks.figures import Check, Report, repeated
from benchmarks.stand import Stand, stand
from rocket_server.db.queries import load
from rocket_server.organisations import store
from rocket_server.rules.model import Rule
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.templates import default_rules
from rocket_server.simulation.model import Period, SimulationResult
from rocket_server.simulation.run import Settings, simulate

SQL = load(__file__, "simulation.sql")

STORED = 1_000_000
LEARNERS = 20_000
TO_REACH_PER_SECOND = 30_000
MOST_GROWTH_MB = 20.0
_AT_ONCE = 250_000
_BYTES_PER_EVENT = 2_500  # with indexes and log, generously
_TIMEOUT_S = 3_600
_VERIFIED_LEARNERS, _VERIFIED_EVENTS = 200, 4_807


def run(events: int = STORED) -> dict[str, Any]:
    """The figures of P7 with `events` stored."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < events * _BYTES_PER_EVENT:
        raise RuntimeError(f"{events:,} events need {events * _BYTES_PER_EVENT / 1e9:.0f} GB of free disk")
    _check_fill()
    with stand() as target:
        filled_s = time.monotonic()
        since = _fill(target, events, LEARNERS)
        filled_s = time.monotonic() - filled_s
        measured: dict[str, list[float]] = {}
        for _ in range(figures.REPEATS):
            for name, value in _measure(target, since, _changed()).items():
                measured.setdefault(name, []).append(value)
        same = {
            "same_rules": _same(target, since, list(default_rules()), Settings()),
            "same_rules_judged_anew": _same(target, since, list(default_rules()), Settings(trust=False)),
            "rules_as_they_were": _same(target, since, None, Settings(trust=False)),
        }
    rates = measured.pop("events_per_s")
    growth = measured.pop("memory_growth_mb")
    return Report(
        "P7",
        f"seven changed rules over {events:,} stored events of {LEARNERS:,} learners, one process, beside"
        f" PostgreSQL; {figures.REPEATS} rounds; the same rules over the same events differ in nothing, also"
        " where every event is judged anew",
        [
            repeated("simulation", "events/s", rates, target=TO_REACH_PER_SECOND),
            Check("memory growth", max(growth), "MB", MOST_GROWTH_MB, at_least=False, values=growth),
        ],
        {
            "stored_events": events,
            "fill_s": round(filled_s),
            **figures.medians(measured),
            **{f"{name}_events_per_s": round(rate) for name, rate in same.items()},
            "difference_of_the_same_rules": 0,
        },
    ).as_dict()


def _measure(target: Stand, since: datetime, rules: Sequence[Rule]) -> dict[str, float]:
    """One round: the rate, what memory grew by after the first tenth, and the processor time of both."""
    process = psutil.Process()
    resident: list[tuple[float, int]] = []

    def on_progress(done: int, events: int) -> None:
        if not resident or done / events >= resident[-1][0] + 0.02:
            resident.append((done / events, process.memory_info().rss))

    own_s, database_s = time.process_time(), target.database_cpu_s()
    outcome = _simulated(target, since, rules, Settings(on_progress=on_progress))
    own_s, database_s = time.process_time() - own_s, target.database_cpu_s() - database_s
    assert outcome.learners_touched == LEARNERS, f"{outcome.learners_touched} learners were touched"
    after_start = [rss for part, rss in resident if part >= 0.1]
    return {
        "events_per_s": outcome.events / outcome.duration_s,
        "memory_growth_mb": (max(after_start) - after_start[0]) / 1e6,
        "memory_peak_mb": max(rss for _, rss in resident) / 1e6,
        "events_per_own_processor_s": outcome.events / own_s,
        "own_us_per_event": own_s / outcome.events * 1e6,
        "database_us_per_event": database_s / outcome.events * 1e6,
    }


def _same(target: Stand, since: datetime, rules: Sequence[Rule] | None, settings: Settings) -> float:
    """Events a second; raises AssertionError where rules that didn't change make any difference."""
    outcome = _simulated(target, since, rules, settings)
    found = (
        outcome.points.difference,
        [one.rule_id for one in outcome.rules if one.decisions_current != one.decisions_candidate],
        [one.rule_id for one in outcome.rules if one.points.difference or one.events_changed],
        [week for week, sums in outcome.weeks if sums.difference],
        [course for course, sums in outcome.courses if sums.difference],
        outcome.gaining + outcome.losing,
        outcome.learners_touched,
    )
    assert not any(found), f"the same rules differ: {found}"
    given = target.fetch_value("SELECT sum(points)::bigint FROM accounts WHERE kind = 'learner'")
    assert outcome.points.current == given > 0, f"{outcome.points.current} of {given} points were counted"
    return outcome.events / outcome.duration_s


def _simulated(
    target: Stand, since: datetime, rules: Sequence[Rule] | None, settings: Settings
) -> SimulationResult:
    async def work(conn: asyncpg.Connection) -> SimulationResult:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            organisation = await store.read(conn, target.organisation_id)
            return await simulate(conn, organisation, rules, Period(since), settings)

    return target.query(work)


def _changed() -> list[Rule]:
    """The default rules, each with more points, and the forum and resources with further caps."""
    changed = []
    for rule in default_rules():
        written = rule.as_dict()
        written["actions"]["award_points"] += 1
        if rule.rule_id in ("forum_posted", "resource_viewed"):
            written["constraints"] |= {"max_per_day": 2}
        changed.append(parse_rule(written))
    return changed


def _fill(target: Stand, events: int, learners: int) -> datetime:
    """Stores events with all that the default rules make of them; the time of the first."""
    first = datetime.now(UTC) - timedelta(seconds=2 * events + 86_400)

    async def work(conn: asyncpg.Connection) -> None:
        await conn.execute("SET synchronous_commit = off")
        organisation_id = target.organisation_id
        await conn.execute(SQL["fill_learners"], organisation_id, learners, events)
        for start in range(0, events, _AT_ONCE):
            end = min(start + _AT_ONCE, events)
            await conn.execute(
                SQL["fill_events"], organisation_id, learners, start, end, first, timeout=_TIMEOUT_S
            )
        await conn.execute("VACUUM (ANALYZE)", timeout=_TIMEOUT_S)
        await conn.execute("CHECKPOINT", timeout=_TIMEOUT_S)

    target.query(work)
    return first


def _check_fill() -> None:
    """Raises AssertionError where what `_fill` stores isn't what the server would have stored."""
    with stand() as target:
        _fill(target, _VERIFIED_EVENTS, _VERIFIED_LEARNERS)
        found = target.verify()
        assert not found, f"the filled database doesn't add up: {found[:3]}"
