"""The audit log's table: every filter reads by index, however many lines there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import asyncpg
import pytest

from rocket_server.audit import store
from rocket_server.audit.model import Act, Actor
from rocket_server.db.pool import prepare_connection
from rocket_server.ids import moment_of
from support.counting import Counting

ORGANISATION = "00000000-0000-7000-8000-00000000000a"
LINES = 40_000
PAGE = 50

# Of two actors and two actions each fits half of the lines; an actor and an action that never met fit none.
# A subject has ten lines.
_FILL = """
INSERT INTO audit (organisation_id, audit_id, at, actor, actor_name, action, subject)
SELECT $1, ('01940000-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex(n % 4096), 3, '0')
        || '-8' || lpad(to_hex(n / 4096), 3, '0') || '-' || lpad(to_hex(n), 12, '0'))::uuid,
    now(), CASE WHEN n % 2 = 0 THEN 'key:often' ELSE 'key:too' END, 'x',
    CASE WHEN n % 2 = 0 THEN 'rule.changed' ELSE 'points.awarded' END, 'rule:' || n / 10
FROM generate_series(1, $2::int) AS n
"""


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@pytest.fixture
async def log(conn: asyncpg.Connection) -> asyncpg.Connection:
    """A connection to a log of many lines, which is rolled back."""
    await prepare_connection(conn)
    await conn.execute(_FILL, ORGANISATION, LINES)
    await conn.execute("ANALYZE audit")
    return conn


@pytest.mark.parametrize("before", [False, True], ids=["first page", "later page"])
async def test_each_filter_reads_no_more_than_a_page(log: asyncpg.Connection, before: bool) -> None:
    """Whatever filters are asked together, no step of the plan reads much more than the lines that it
    answers, also where each fits half of the log and both together fit none."""
    last = "01940001-0000-7000-8000-000000000000"
    await log.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    types = "uuid, uuid, text, text, text[], uuid, uuid, int"
    await log.execute(f"PREPARE audit_page ({types}) AS {store.SQL['page']}")
    actors, actions = (None, "key:often", "key:nobody"), (None, "rule.changed", "points.awarded", "x.y")
    subjects = (None, "{rule:77}", "{rule:77,rule:78}", "{rule:none}", "{}")
    for actor, action, subject in product(actors, actions, subjects):
        values = (ORGANISATION, last if before else None, actor, action, subject, None, None, PAGE)
        said = ", ".join("NULL" if value is None else f"'{value}'" for value in values)
        plan = await log.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE audit_page ({said})")
        plan = json.loads(plan) if isinstance(plan, str) else plan
        for node in _nodes(plan[0]["Plan"]):
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert read <= PAGE, (actor, action, subject, node)
            assert node["Node Type"] != "Seq Scan"


async def test_a_line_has_the_time_that_its_id_begins_with(conn: asyncpg.Connection) -> None:
    """`since` and `until` go by ids: what they let pass is exactly what `at` says."""
    await prepare_connection(conn)
    actor = Actor("system", "tests", "tests")
    acts = [Act("rule.created", f"rule:{number}") for number in range(20)]
    for act in acts:
        await store.add(conn, ORGANISATION, actor, [act])
    lines = await store.page(conn, ORGANISATION, store.Wanted(), 100)
    assert [line.subject for line in reversed(lines)] == [act.subject for act in acts]
    for line in lines:
        assert line.at == moment_of(line.audit_id)
        later = await store.page(conn, ORGANISATION, store.Wanted(since=line.at), 100)
        earlier = await store.page(conn, ORGANISATION, store.Wanted(until=line.at), 100)
        assert {one.audit_id for one in later} == {one.audit_id for one in lines if one.at >= line.at}
        assert {one.audit_id for one in earlier} == {one.audit_id for one in lines if one.at < line.at}


async def test_several_acts_are_one_statement_and_none_is_none(conn: asyncpg.Connection) -> None:
    """A set of a thousand rules costs the log one statement; an act that changed nothing costs it none."""
    await prepare_connection(conn)
    actor, counting = Actor("system", "tests", "tests"), Counting(conn)
    await store.add(counting, ORGANISATION, actor, [])
    assert counting.statements == []
    acts = [Act("rule.created", f"rule:{number}") for number in range(1_000)]
    await store.add(counting, ORGANISATION, actor, acts)
    assert len(counting.statements) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"in": [1e300] * 1_000},
        {"in": [0] * 3_900},
        {"in": [[]] * 2_500},
        {"in": [{}] * 2_500},
        {"in": [True] * 1_500},
        {"in": ["\u0001"] * 800},
        {f"f{number:03}": -1e-300 for number in range(400)},
        {"deep": "x" * 8_000},
    ],
    ids=["long numbers", "zeros", "lists", "objects", "truths", "escapes", "names", "text"],
)
async def test_whatever_is_kept_can_be_stored(conn: asyncpg.Connection, value: dict[str, Any]) -> None:
    """A state within the bound of the log is no more than its table takes, whatever PostgreSQL makes of it: a
    change is never refused because of its line."""
    await prepare_connection(conn)
    act = Act("rule.changed", "rule:x", value, value)
    await store.add(conn, ORGANISATION, Actor("system", "tests", "tests"), [act])
    (line,) = await store.page(conn, ORGANISATION, store.Wanted(), 1)
    assert line.before is not None
    assert line.before.keys() == value.keys()
