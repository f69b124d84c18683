"""Proves badges from scratch: awards against events and rules, and what was counted for criteria."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from rocket_server.badges import awards, progress
from rocket_server.badges import store as badges
from rocket_server.badges.criteria import Thresholds
from rocket_server.db.queries import load
from rocket_server.organisations import store

SQL = load(__file__, "badges.sql")

# Opens a transaction that sees one moment (repeatable read), for as long as the block lasts.
Snapshot = Callable[[], AbstractAsyncContextManager[Any]]

_LEARNERS_AT_ONCE = 200
_FIRST = "00000000-0000-0000-0000-000000000000"


async def differences(snapshot: Snapshot, organisation_id: str, limit: int) -> AsyncIterator[tuple[str, str]]:
    """Subject and message of what differs, at most `limit` of each kind, each seen in a `snapshot` of its
    own.

    That criteria held when they gave a badge can't be proved afterwards: points may have been taken back
    since, and a badge that was given stays.
    """
    found = 0
    async with snapshot() as conn, conn.transaction():
        async for row in conn.cursor(SQL["awards"], organisation_id):
            if row["fault"] and found < limit:
                found += 1
                yield f"award {row['award_id']} of badge {row['badge_id']}", row["fault"]
    async with snapshot() as conn:
        without = await conn.fetch(SQL["events_without_award"], organisation_id, limit)
    for row in without:
        yield (
            f"event {row['event_id']}",
            f"says it earned badge {row['badge_id']}, of which there is no award",
        )
    async with snapshot() as conn:
        twice = await conn.fetch(SQL["held_twice"], organisation_id, limit)
    for row in twice:
        yield f"learner {row['learner_id']}", f"holds badge {row['badge_id']} {row['awards']} times"
    after: str | None = _FIRST
    while after is not None:
        async with snapshot() as conn:
            differing, after = await _counts(conn, organisation_id, after)
        for difference in differing:
            yield difference


async def _counts(conn: Any, organisation_id: str, after: str) -> tuple[list[tuple[str, str]], str | None]:
    """Of the next learners: criteria count what the stored events say, until they have given their badge.
    With the last of them, None at the end."""
    rows = await conn.fetch(SQL["counted"], organisation_id, after, _LEARNERS_AT_ONCE)
    if not rows:
        return [], None
    organisation = await store.read(conn, organisation_id)
    thresholds = Thresholds(await badges.all_badges(conn, organisation_id), organisation.timezone)
    badge_ids = [one.badge_id for one in thresholds.all]
    learner_ids = {row["learner_id"] for row in rows}
    _, given = await awards.given(conn, organisation_id, learner_ids, badge_ids)
    open_ones = {
        (learner_id, counter.key)
        for learner_id in learner_ids
        for one in thresholds.all
        if (learner_id, one.badge_id) not in given
        for counter in one.counters
    }
    stored = {(row["learner_id"], row["counter"]): set(row["marks"]) - {progress.COMPLETE} for row in rows}
    keys = sorted(open_ones & stored.keys())
    expected = await progress.past(conn, organisation_id, keys, thresholds.counters) if keys else {}
    differing = [
        (
            f"learner {key[0]}",
            f"has {len(stored[key])} counted for criteria, the events say {len(expected.get(key, set()))}",
        )
        for key in keys
        if stored[key] != expected.get(key, set())
    ]
    return differing, rows[-1]["learner_id"]
