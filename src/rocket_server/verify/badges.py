"""Proves badges from scratch: awards against events and rules, and what was counted for criteria."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rocket_server.badges import awards, progress
from rocket_server.badges import store as badges
from rocket_server.badges.criteria import Thresholds
from rocket_server.db.queries import load
from rocket_server.organisations.model import Organisation

SQL = load(__file__, "badges.sql")

_LEARNERS_AT_ONCE = 200
_FIRST = "00000000-0000-0000-0000-000000000000"


async def differences(conn: Any, organisation: Organisation, limit: int) -> AsyncIterator[tuple[str, str]]:
    """Subject and message of what differs, at most `limit` of each kind.

    That criteria held when they gave a badge can't be proved afterwards: points may have been taken back
    since, and a badge that was given stays.
    """
    organisation_id = organisation.organisation_id
    found = 0
    async with conn.transaction():
        async for row in conn.cursor(SQL["awards"], organisation_id):
            if row["fault"] and found < limit:
                found += 1
                yield f"award {row['award_id']} of badge {row['badge_id']}", row["fault"]
    for row in await conn.fetch(SQL["events_without_award"], organisation_id, limit):
        yield (
            f"event {row['event_id']}",
            f"says it earned badge {row['badge_id']}, of which there is no award",
        )
    for row in await conn.fetch(SQL["held_twice"], organisation_id, limit):
        yield f"learner {row['learner_id']}", f"holds badge {row['badge_id']} {row['awards']} times"
    async for difference in _counts(conn, organisation):
        yield difference


async def _counts(conn: Any, organisation: Organisation) -> AsyncIterator[tuple[str, str]]:
    """Criteria count what the stored events say, until they have given their badge."""
    organisation_id = organisation.organisation_id
    thresholds = Thresholds(await badges.all_badges(conn, organisation_id), organisation.timezone)
    badge_ids = [one.badge_id for one in thresholds.all]
    after = _FIRST
    while rows := await conn.fetch(SQL["counted"], organisation_id, after, _LEARNERS_AT_ONCE):
        after = rows[-1]["learner_id"]
        learner_ids = {row["learner_id"] for row in rows}
        _, given = await awards.given(conn, organisation_id, learner_ids, badge_ids)
        open_ones = {
            (learner_id, counter.key)
            for learner_id in learner_ids
            for one in thresholds.all
            if (learner_id, one.badge_id) not in given
            for counter in one.counters
        }
        stored = {
            (row["learner_id"], row["counter"]): set(row["marks"]) - {progress.COMPLETE} for row in rows
        }
        keys = sorted(open_ones & stored.keys())
        expected = await progress.past(conn, organisation_id, keys, thresholds.counters) if keys else {}
        for key in keys:
            if stored[key] != expected.get(key, set()):
                yield (
                    f"learner {key[0]}",
                    f"has {len(stored[key])} counted for criteria, the events say "
                    f"{len(expected.get(key, set()))}",
                )
