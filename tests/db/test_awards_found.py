"""What an award counts against is found by the award, however much its learner was given."""

from __future__ import annotations

import json

from rocket_server.ids import uuid7, uuid7s
from rocket_server.rules.store import SQL

MARKS = 20_000


async def _blocks(conn, statement, *arguments):
    """Blocks that a statement looks at."""
    async with conn.transaction():
        plan = await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *arguments)
    (root,) = json.loads(plan) if isinstance(plan, str) else plan
    return root["Plan"]["Shared Hit Blocks"] + root["Plan"]["Shared Read Blocks"]


async def test_of_very_many_awards_one_is_found_at_once(db):
    """Of a learner with 20,000 awards of one rule, finding and freeing one looks at a few blocks."""
    organisation_id, learner_id = uuid7(), uuid7()
    awards = uuid7s(MARKS)
    async with db.transaction() as conn:
        await conn.executemany(
            """INSERT INTO award_marks
                (organisation_id, learner_id, rule_id, mark, occurred_at, award_id, points)
            VALUES ($1, $2, 'viewed', $3, '2026-03-02', $4, 2)""",
            [(organisation_id, learner_id, f"unique:{award}", award) for award in awards],
        )
    for lent in (db.ingest_transaction, db.transaction):
        async with lent() as conn:
            for name in ("find_marks", "remove_marks"):
                assert await _blocks(conn, SQL[name], organisation_id, [awards[MARKS // 2]]) < 40, name
